/**
 * UPDATE_AND_CREATE_TOPIC_LIST (18): several topics, one after the other. None is touched if one of them has settings
 * that cannot be; where one fails later, those before it stay.
 */
import type { Handler } from '../context.ts'
import type { updateAndCreateTopicListRequest } from '../headers/update-and-create-topic-list.ts'
import { refusalOfSettings, topicUpdated, updateTopic } from '../topic-settings.ts'

export const updateAndCreateTopicList: Handler<typeof updateAndCreateTopicListRequest> = async (
  { body: { topicConfigList } },
  context
) => {
  const all = topicConfigList.map(({ attributes: changes, ...rest }) => ({ ...rest, changes }))
  for (const wanted of all) {
    const refused = refusalOfSettings(wanted, context)
    if (refused !== undefined) return refused
  }
  for (const wanted of all) {
    const refused = await updateTopic(wanted, context)
    if (refused !== undefined) return refused
  }
  return topicUpdated
}
