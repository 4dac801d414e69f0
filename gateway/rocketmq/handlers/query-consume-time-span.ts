/**
 * QUERY_CONSUME_TIME_SPAN (303): for each queue when its first and last message were stored, when the one that the
 * group consumed last was, and how long the next one has waited. -1 where there is no such message.
 */
import type { QueueUid } from '../../../storage/contract.ts'
import { mapLimited } from '../../broker/map-limited.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import type { queryConsumeTimeSpanRequest } from '../headers/query-consume-time-span.ts'
import { findTopic } from '../known-topics.ts'
import { lookUpsAtOnceMax, storeTimeAt } from '../queue-times.ts'
import { responseCodes } from '../response-codes.ts'

export const queryConsumeTimeSpan: Handler<typeof queryConsumeTimeSpanRequest> = async (
  { header: { topic: name, group } },
  context
) => {
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    return refuse(responseCodes.TOPIC_NOT_EXIST, `topic[${name}] not exist`)
  }
  const queues = topic.queues.slice(0, topic.writeQueues)
  const keys = queues.map((_, queue) => ({ topicId: topic.id, queue }))
  const places = await context.groups.offsets.fetch(toKafkaGroupName(group), keys)
  const spans = await mapLimited(keys, lookUpsAtOnceMax, async ({ queue: queueId }) => {
    const offset = places[queueId]?.offset ?? 0
    const span = await timeSpan(queues[queueId] as number, Math.max(offset, 0), context)
    return { messageQueue: { topic: name, brokerName: context.brokerName, queueId }, ...span }
  })
  return { body: { consumeTimeSpanSet: spans } }
}

async function timeSpan(queue: QueueUid, offset: number, context: RequestContext) {
  const { engine, clock } = context
  const [ends] = await engine.endsOf([queue])
  const first = ends?.logStartOffset ?? 0
  const end = ends?.lastStableOffset ?? 0
  const at = async (place: number) => (await storeTimeAt(queue, place, context)) ?? -1
  const minTimeStamp = await at(first)
  const next = offset < end ? await at(Math.max(offset, first)) : -1
  return {
    minTimeStamp,
    maxTimeStamp: await at(end - 1),
    consumeTimeStamp: offset > 0 ? await at(offset - 1) : minTimeStamp,
    delayTime: next < 0 ? 0 : Math.max(clock.now() - next, 0)
  }
}
