/**
 * END_TRANSACTION (37): what became of a producer's transaction. Commit: the message and the end of the half message
 * are one commit of the store, so it is there once or not at all. Said again, or after somebody else said it, it is
 * refused: exactly one outcome counts. Clients send it one-way; the codes and remarks are for whoever asks.
 */
import { StoreError } from '../../../storage/index.ts'
import { type PendingTimer, targetQueueOf } from '../../broker/timers/index.ts'
import {
  commitFlag,
  isMessageFault,
  offsetInWindow,
  physicalPlaceOf,
  realTopicName,
  recordOfMessage,
  rollbackFlag,
  uniqueKeyName
} from '../../broker/translate/index.ts'
import { type Asked, type Handler, type Refused, type RequestContext, refuse } from '../context.ts'
import type { endTransactionRequest } from '../headers/end-transaction.ts'
import { responseCodes } from '../response-codes.ts'
import { committedOf, endsWithinMs, producerGroupName } from '../transactions/half-message.ts'

type Ending = Asked<typeof endTransactionRequest>['header']

/** RocketMQ's remark of an answer that nobody gave one. */
const unsaid = 'not set any response code'

export const endTransaction: Handler<typeof endTransactionRequest> = async (
  { header },
  context
) => {
  const outcome = header.commitOrRollback
  // Not known yet: it is asked about when that is due. A real broker does not answer at all.
  if (outcome !== commitFlag && outcome !== rollbackFlag) return { remark: unsaid }
  const half = await findHalf(header.commitLogOffset, context)
  if (half === undefined) return notFound()
  const fault = faultOf(header, half, context)
  if (fault !== undefined) return fault
  return outcome === commitFlag ? commit(half, context) : rollback(half, context)
}

function notFound(): Refused {
  return refuse(responseCodes.SYSTEM_ERROR, 'Find prepared transaction message failed')
}

/** The half message at that place in the log, if it is still without an outcome. */
async function findHalf(
  physicalOffset: bigint,
  { engine, timers }: RequestContext
): Promise<PendingTimer | undefined> {
  const queue = timers.queueOf('half')
  const place = physicalPlaceOf(physicalOffset)
  if (place?.queue !== queue) return undefined
  const ends = await engine.ends(queue)
  const offset = offsetInWindow(place.lowOffset, ends)
  return offset === undefined ? undefined : timers.find({ queue, offset })
}

/** In the order of a real broker. */
function faultOf(
  header: Ending,
  { place, message }: PendingTimer,
  { clock, transactionLimits }: RequestContext
): Refused | undefined {
  const endsMs = endsWithinMs(message, transactionLimits.transactionCheckAfterMs)
  const agedMs = clock.now() - message.storeTimestampMs
  if (!header.fromTransactionCheck && endsMs !== undefined && agedMs > endsMs) {
    return refuse(responseCodes.ILLEGAL_OPERATION, unsaid)
  }
  if (message.property(producerGroupName) !== header.producerGroup) {
    return refuse(responseCodes.SYSTEM_ERROR, 'The producer group wrong')
  }
  if (place.offset !== header.tranStateTableOffset) {
    return refuse(responseCodes.SYSTEM_ERROR, 'The transaction state table offset wrong')
  }
  return undefined
}

async function rollback({ place }: PendingTimer, { timers }: RequestContext) {
  const settled = await timers.settle(place)
  return settled === undefined ? notFound() : { remark: unsaid }
}

async function commit(half: PendingTimer, context: RequestContext) {
  const { engine, timers } = context
  const { place, row, message } = half
  const topic = await engine.findTopic({ id: row.targetTopicId })
  const queue = topic && targetQueueOf(topic, row.targetQueue)
  const record = recordOfMessage(committedOf(message, place, row.count))
  if (topic === undefined || queue === undefined)
    return dropHalf(half, 'its topic is gone', context)
  if (isMessageFault(record)) return dropHalf(half, record.text, context)
  try {
    const settled = await timers.settle(place, {
      appends: [{ queue, records: [record], origin: 'rocketmq' }]
    })
    return settled === undefined ? notFound() : {}
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'queue-gone') throw error
    return dropHalf(half, 'its topic is gone', context)
  }
}

/** A message that can never be stored: its transaction is over all the same. */
async function dropHalf({ place, message }: PendingTimer, reason: string, context: RequestContext) {
  const { timers, log } = context
  await timers.settle(place)
  const uniqueKey = message.property(uniqueKeyName)
  log('warn', 'half-message-dropped', { topic: message.property(realTopicName), uniqueKey, reason })
  return refuse(responseCodes.TOPIC_NOT_EXIST, reason)
}
