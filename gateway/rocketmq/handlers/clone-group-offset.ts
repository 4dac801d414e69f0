/** CLONE_GROUP_OFFSET (314): a group's places, in one topic or in all, become another group's too. */
import { toKafkaGroupName } from '../../broker/names.ts'
import { type Handler, refuse } from '../context.ts'
import { commitPlaces } from '../group-place.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { cloneGroupOffsetRequest } from '../headers/clone-group-offset.ts'
import { findTopic } from '../known-topics.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { responseCodes } from '../response-codes.ts'

export const cloneGroupOffset: Handler<typeof cloneGroupOffsetRequest> = async (
  { header: { srcGroup, destGroup, topic: name = '', offline } },
  context
) => {
  if (!mayBeGroup(destGroup)) {
    const remark = `${destGroup} is no name for a group`
    return refuse(responseCodes.INVALID_PARAMETER, remark)
  }
  const refusal = refusalOfGroup(destGroup, context)
  if (refusal !== undefined) return refusal
  const { clients, engine, groups } = context
  const only = name === '' ? undefined : await findTopic(context, name)
  // A topic that does not exist is passed over, as in a real broker.
  if (name !== '' && only === undefined) return {}
  const rows = await groups.offsets.fetchAll(toKafkaGroupName(srcGroup))
  const online = offline ? undefined : clients.consumerGroup(srcGroup)
  const places: { topicId: string; queue: number; offset: number }[] = []
  for (const { topicId, queue, offset } of rows) {
    const topic = only ?? (await engine.findTopic({ id: topicId }))
    if (topic === undefined || topic.id !== topicId) continue
    // What the group's consumers no longer want is left behind.
    if (online !== undefined && online.subscription(topic.names.rocketmq) === undefined) continue
    places.push({ topicId, queue, offset })
  }
  if (places.length > 0) await commitPlaces(destGroup, places, context)
  return {}
}
