/**
 * GET_UNIT_TOPIC_LIST (311), GET_HAS_UNIT_SUB_TOPIC_LIST (312), GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST (313): topics that
 * are divided among data centres. No topic is.
 */
import type { Handler } from '../context.ts'
import type { getUnitTopicListRequest } from '../headers/get-unit-topic-list.ts'

export const getUnitTopicList: Handler<typeof getUnitTopicListRequest> = () => ({
  body: { topicList: [] }
})
