/**
 * DELETE_TOPIC_IN_NAMESRV (216). Tools ask it after the broker has deleted the topic. A route follows its topic here,
 * so there is nothing left to do; the route of a topic that exists comes back within 30 s from a real broker, too.
 */
import type { Handler } from '../context.ts'
import type { deleteTopicInNamesrvRequest } from '../headers/delete-topic-in-namesrv.ts'

export const deleteTopicInNamesrv: Handler<typeof deleteTopicInNamesrvRequest> = () => ({})
