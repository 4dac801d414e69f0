/**
 * INVOKE_BROKER_TO_RESET_OFFSET (222): a group's places anew, by time or in one queue by offset, as a 5.3 broker does it
 * by default (useServerSideResetOffset): stored here whether or not a consumer is online, and told to those that pull.
 */
import type { Topic } from '../../../storage/contract.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import { type Asked, type Handler, type Refused, type RequestContext, refuse } from '../context.ts'
import { commitPlaces } from '../group-place.ts'
import type { invokeBrokerToResetOffsetRequest } from '../headers/invoke-broker-to-reset-offset.ts'
import { findTopic } from '../known-topics.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { responseCodes } from '../response-codes.ts'
import { isRefused } from '../sent-messages.ts'

type Asking = Asked<typeof invokeBrokerToResetOffsetRequest>['header']

/** By queue id. */
type Offsets = ReadonlyMap<number, number>

export const invokeBrokerToResetOffset: Handler<typeof invokeBrokerToResetOffsetRequest> = async (
  { header },
  context
) => {
  const { topic: name, group } = header
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    return refuse(responseCodes.TOPIC_NOT_EXIST, `Topic ${name} does not exist`)
  }
  if (!context.groups.stored.has(toKafkaGroupName(group))) {
    const remark = `Group ${group} does not exist`
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
  }
  const refusal = refusalOfGroup(group, context)
  if (refusal !== undefined) return refusal
  const offsets = await offsetsFor(topic, header, context)
  if (isRefused(offsets)) return offsets
  if (offsets.size === 0) return refuse(responseCodes.SYSTEM_ERROR, 'No queues to reset.')
  await reset(group, topic, offsets, context)
  const { brokerName } = context
  context.log('info', 'offsets-reset', { topic: name, group, offsets: Object.fromEntries(offsets) })
  return {
    body: {
      offsetTable: [...offsets].map(([queueId, offset]) => {
        return [{ topic: name, brokerName, queueId }, offset] as const
      })
    }
  }
}

async function offsetsFor(
  topic: Topic,
  { queueId, offset, timestamp }: Asking,
  context: RequestContext
): Promise<Offsets | Refused> {
  if (queueId < 0) {
    const queues = topic.queues.slice(0, topic.readQueues)
    const found = await Promise.all(queues.map((queue) => offsetAt(queue, timestamp, context)))
    return new Map(found.entries())
  }
  const queue = topic.queues[queueId]
  if (queue === undefined) {
    const remark = `queueId[${queueId}] is illegal, topic:[${topic.names.rocketmq}]`
    return refuse(responseCodes.INVALID_PARAMETER, remark)
  }
  if (offset === undefined || offset === -1) {
    return new Map([[queueId, await offsetAt(queue, timestamp, context)]])
  }
  const { logStartOffset: min, lastStableOffset: max } = await context.engine.ends(queue)
  if (offset >= min && offset <= max) return new Map([[queueId, offset]])
  const remark = `Target offset ${offset} not in consume queue range [${min}-${max}]`
  return refuse(responseCodes.SYSTEM_ERROR, remark)
}

/** The first message stored at that time or later; the end for a time before all times. */
async function offsetAt(
  queue: number,
  timestamp: number,
  { engine }: RequestContext
): Promise<number> {
  const { lastStableOffset } = await engine.ends(queue)
  if (timestamp < 0) return lastStableOffset
  const found = await engine.offsetByTime(queue, timestamp, 'append')
  return Math.min(found?.offset ?? lastStableOffset, lastStableOffset)
}

async function reset(
  group: string,
  { id: topicId }: Topic,
  offsets: Offsets,
  context: RequestContext
): Promise<void> {
  const { resets } = context
  const places = [...offsets].map(([queue, offset]) => ({ topicId, queue, offset }))
  const queues = [...offsets.keys()].map((queueId) => ({ group, topicId, queueId }))
  // First of all, so that what consumers commit now does not undo it.
  for (const { queue, offset } of places) resets.begin({ group, topicId, queueId: queue }, offset)
  try {
    await commitPlaces(group, places, context)
  } catch (error) {
    for (const queue of queues) resets.settle(queue)
    throw error
  }
  for (const queue of queues) resets.stored(queue)
}
