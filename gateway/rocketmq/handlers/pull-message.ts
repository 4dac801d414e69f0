/**
 * PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361). A pull that finds the queue's end may be held until something comes
 * that its filter wants, at most as long as it says. All answers tell the queue's ends and where to go on; remarks are
 * the names of a real broker's GetMessageStatus.
 */
import type { QueueEnds, Topic } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/index.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import type { ResetQueue } from '../clients/offset-resets.ts'
import { type Asked, type Handler, type Refused, type RequestContext, refuse } from '../context.ts'
import { notePulledPlace } from '../group-place.ts'
import { furtherDetails, groupSettingsOf, mayBeGroup } from '../group-settings.ts'
import {
  type litePullMessageRequest,
  pullFlags,
  type pullMessageRequest
} from '../headers/pull-message.ts'
import { findTopic } from '../known-topics.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { filterOf, forbid, forbiddenTypes, type PullHeader } from '../pull-filter.ts'
import { takeReset, untilReset } from '../pull-reset.ts'
import { type Pull, type Pulled, pullFrom } from '../pulled-messages.ts'
import { type ResponseCode, responseCodes } from '../response-codes.ts'
import { isRefused } from '../sent-messages.ts'
import { readPerm } from '../topic-settings.ts'

type Asking = Asked<typeof pullMessageRequest>

export const pullMessage: Handler<typeof pullMessageRequest> = (asked, context) =>
  pull(asked, context)

export const litePullMessage: Handler<typeof litePullMessageRequest> = (asked, context) =>
  pull(asked, context)

async function pull({ header }: Asking, context: RequestContext) {
  const refusal = refusalOfGroup(header.consumerGroup, context)
  if (refusal !== undefined) return refusal
  const first = await pullOf(header, context)
  if (isRefused(first)) return first
  const { topic, queueId } = first
  const { clock, limits, resets } = context
  const place = { group: header.consumerGroup, topicId: topic.id, queueId }
  const commits = (header.sysFlag & pullFlags.commitOffset) !== 0 && header.commitOffset >= 0
  if (commits && !resets.isPending(place)) {
    const told = { topicId: topic.id, queue: queueId, offset: header.commitOffset }
    notePulledPlace(header.consumerGroup, told, context)
  }
  const endMs = clock.monotonicMs() + waitMsOf(header, context)
  let scanEndMs = clock.monotonicMs() + limits.pullScanMsMax
  let wanted = first
  let from = header.queueOffset
  for (;;) {
    const isReset = resets.offsetOf(place) !== undefined
    const reset = isReset ? await takeReset(place, from, context) : undefined
    if (reset !== undefined) return await movedTo(reset, wanted, context)
    const pulled = await pullWithin(wanted, from, context)
    if ('code' in pulled) return pulled
    if (pulled.count > 0) {
      countFound(header.consumerGroup, wanted, pulled, context)
      return answer(responseCodes.SUCCESS, 'FOUND', pulled, [pulled.body])
    }
    context.traffic.read(0, 0)
    const hasMoved = pulled.nextOffset > header.queueOffset
    const nowMs = clock.monotonicMs()
    if (endMs <= nowMs) return hasMoved ? unmatched(pulled) : nothing(pulled)
    // What was passed over is not looked at again. Something may be left to look at now.
    from = pulled.nextOffset
    const isMore = from < pulled.maxOffset
    const isOver = !isMore && !(await hasMore(wanted, from, endMs - nowMs, place, context))
    // A heartbeat may have changed what the group wants: what its filter passed over is not lost to the new one.
    const filter = isOfPull(header) ? wanted.filter : filterOf(header, context)
    if ('refused' in filter) return filter
    if (filter !== wanted.filter) {
      wanted = { ...wanted, filter }
      from = header.queueOffset
    } else if ((isOver && resets.offsetOf(place) === undefined) || (isMore && scanEndMs <= nowMs)) {
      return hasMoved ? unmatched(pulled) : nothing(pulled)
    }
    if (!isMore) scanEndMs = clock.monotonicMs() + limits.pullScanMsMax
  }
}

/** Whether the pull brings its filter, so that nothing changes it. */
function isOfPull({ sysFlag }: PullHeader): boolean {
  return (sysFlag & pullFlags.subscription) !== 0
}

function countFound(
  consumerGroup: string,
  { topic, queueId }: Pull,
  { count, body, nextOffset }: Pulled,
  { traffic }: RequestContext
): void {
  traffic.read(count, body.length)
  const group = toKafkaGroupName(consumerGroup)
  traffic.given(group, topic.id, queueId, count, body.length, nextOffset)
}

async function pullOf(header: PullHeader, context: RequestContext): Promise<Pull | Refused> {
  const { topic: name, queueId, maxMsgNums, maxMsgBytes, consumerGroup: group } = header
  if (!mayBeGroup(group)) {
    const remark = `subscription group [${group}] does not exist, ${furtherDetails}`
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
  }
  if (!groupSettingsOf(group, context).consumeEnable) {
    return forbid(`subscription group no permission, ${group}`, forbiddenTypes.group)
  }
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    const remark = `topic[${name}] not exist, apply first please! `
    return refuse(responseCodes.TOPIC_NOT_EXIST, remark)
  }
  if ((topic.perm & readPerm) === 0) {
    const remark = `the topic[${name}] pulling message is forbidden`
    return forbid(remark, forbiddenTypes.topic)
  }
  const queue = queueId < topic.readQueues ? topic.queues[queueId] : undefined
  if (queue === undefined) return illegalQueue(topic, queueId, context)
  const filter = filterOf(header, context)
  if ('refused' in filter) return filter
  const most = context.limits.pullBytesMax
  const bytesMax = Math.min(Math.max(maxMsgBytes ?? most, 1), most)
  return { topic, queueId, queue, filter, countMax: Math.max(maxMsgNums, 1), bytesMax }
}

function illegalQueue(topic: Topic, queueId: number, { client }: RequestContext): Refused {
  const remark =
    `queueId[${queueId}] is illegal, topic:[${topic.names.rocketmq}] ` +
    `topicConfig.readQueueNums:[${topic.readQueues}] consumer:[/${client.host}:${client.port}]`
  return refuse(responseCodes.INVALID_PARAMETER, remark)
}

function waitMsOf({ sysFlag, suspendTimeoutMillis }: PullHeader, { limits }: RequestContext) {
  if ((sysFlag & pullFlags.suspend) === 0) return 0
  return Math.min(suspendTimeoutMillis, limits.pullWaitMsMax)
}

/** The answer, where the offset is none of the queue's. */
async function pullWithin(wanted: Pull, offset: number, context: RequestContext) {
  try {
    return offset < 0
      ? await moved(wanted, offset, context)
      : await pullFrom(wanted, offset, context)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'offset-out-of-range') throw error
    return await moved(wanted, offset, context)
  }
}

async function moved({ queue }: Pull, offset: number, { engine }: RequestContext) {
  const ends = await engine.ends(queue)
  const { logStartOffset: minOffset, lastStableOffset: maxOffset } = ends
  const [remark, nextOffset] = correction(ends, offset)
  const place = { nextOffset, minOffset, maxOffset }
  return answer(responseCodes.PULL_OFFSET_MOVED, remark, place)
}

/** The group's place was given anew by a tool. */
async function movedTo(nextOffset: number, { queue }: Pull, { engine }: RequestContext) {
  const { logStartOffset: minOffset, lastStableOffset: maxOffset } = await engine.ends(queue)
  const place = { nextOffset, minOffset, maxOffset }
  return answer(responseCodes.PULL_OFFSET_MOVED, 'OFFSET_RESET', place)
}

function correction(ends: QueueEnds, offset: number): readonly [remark: string, next: number] {
  const { logStartOffset, lastStableOffset } = ends
  if (lastStableOffset === 0) {
    return [offset < 0 ? 'OFFSET_TOO_SMALL' : 'NO_MESSAGE_IN_QUEUE', 0]
  }
  if (offset < logStartOffset) return ['OFFSET_TOO_SMALL', logStartOffset]
  return ['OFFSET_OVERFLOW_BADLY', lastStableOffset]
}

/** Whether there is something to look at from the offset on, as soon as there is, or the group's place changes. */
async function hasMore(
  { queue }: Pull,
  offset: number,
  maxWaitMs: number,
  place: ResetQueue,
  context: RequestContext
): Promise<boolean> {
  const queues = [{ queue, offset }]
  const request = { queues, minBytes: 1, maxWaitMs, isolation: 'committed' } as const
  try {
    const result = await untilReset(place, context, (signal) =>
      context.engine.waitForData({ ...request, signal })
    )
    return result !== 'timeout'
  } catch (error) {
    if (error instanceof StoreError && error.code === 'cancelled') return false
    throw error
  }
}

type Place = Pick<Pulled, 'nextOffset' | 'minOffset' | 'maxOffset'>

function nothing(place: Place) {
  const remark = place.maxOffset === 0 ? 'NO_MESSAGE_IN_QUEUE' : 'OFFSET_OVERFLOW_ONE'
  return answer(responseCodes.PULL_NOT_FOUND, remark, place)
}

function unmatched(place: Place) {
  return answer(responseCodes.PULL_RETRY_IMMEDIATELY, 'NO_MATCHED_MESSAGE', place)
}

function answer(code: ResponseCode, remark: string, place: Place, body: readonly Buffer[] = []) {
  const { nextOffset: nextBeginOffset, minOffset, maxOffset } = place
  return {
    code,
    remark,
    header: {
      suggestWhichBrokerId: 0,
      nextBeginOffset,
      minOffset,
      maxOffset,
      topicSysFlag: 0,
      groupSysFlag: 0
    },
    body
  }
}
