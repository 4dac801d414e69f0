/**
 * Asking producers about half messages that they did not end (TransactionalMessageServiceImpl.check): any client of the
 * producer group that is there, one after the other. It answers with END_TRANSACTION. As with a real broker it counts
 * too when nobody is there to be asked, and after `transactionCheckMax` times the half message is put aside.
 */
import type { PendingTimer, TimerAction, Verdict } from '../../broker/timers/index.ts'
import {
  encodeMessage,
  encodeOffsetId,
  isMessageFault,
  physicalOffsetOf,
  recordOfMessage,
  uniqueKeyName
} from '../../broker/translate/index.ts'
import type { ClientConnection, RocketmqServices } from '../context.ts'
import { checkTransactionStateRequest } from '../headers/check-transaction-state.ts'
import { ensureTopic } from '../known-topics.ts'
import { storeHost } from '../this-broker.ts'
import { checkedOf, checkedTooOftenTopic, halfTopic, producerGroupName } from './half-message.ts'

/** Queues of the topic for those that were put aside (TCMT_QUEUE_NUMS). */
const putAsideQueueCount = 1

export function checkBack(services: RocketmqServices): TimerAction {
  let turn = 0
  return async (half) => {
    const { row, message } = half
    const { clients, engine, clock, log, transactionLimits } = services
    const topic = await engine.findTopic({ id: row.targetTopicId })
    if (topic === undefined) return { drop: 'its topic is gone' }
    if (row.count >= transactionLimits.transactionCheckMax) return putAside(half, services)
    const group = message.property(producerGroupName) ?? ''
    const producers = clients.producersOf(group).filter(({ open, keepsUp }) => open && keepsUp)
    const producer = producers[turn++ % producers.length]
    const asks = { topic: topic.names.rocketmq, checks: row.count + 1 }
    if (producer !== undefined) ask(producer, half, asks, services)
    else {
      const uniqueKey = message.property(uniqueKeyName)
      log('debug', 'transaction-check-unheard', { group, uniqueKey, ...asks })
    }
    return { again: { dueMs: clock.now() + transactionLimits.transactionCheckIntervalMs } }
  }
}

/** One-way: what the client does of it, it says when it knows. */
function ask(
  client: ClientConnection,
  { place, row, message }: PendingTimer,
  { topic, checks }: { topic: string; checks: number },
  services: RocketmqServices
): void {
  const host = storeHost({ ...services, client })
  const { queue, offset } = place
  const physicalOffset = physicalOffsetOf(queue, offset)
  const uniqueKey = message.property(uniqueKeyName)
  const header = {
    topic: halfTopic,
    tranStateTableOffset: offset,
    commitLogOffset: physicalOffset,
    msgId: uniqueKey,
    transactionId: uniqueKey,
    offsetMsgId: encodeOffsetId(host, physicalOffset),
    brokerName: services.brokerName
  }
  const body = encodeMessage(checkedOf(message, checks), {
    topic: Buffer.from(topic),
    queueId: row.targetQueue,
    queueOffset: offset,
    physicalOffset,
    storeTimestampMs: message.storeTimestampMs,
    storeHost: host
  })
  client.push(checkTransactionStateRequest, { header, body: [body] })
}

/** Nobody would decide: whoever looks after the server finds it there, with its real topic and queue. */
async function putAside(
  { row, message }: PendingTimer,
  services: RocketmqServices
): Promise<Verdict> {
  const topic = await ensureTopic(services, checkedTooOftenTopic, putAsideQueueCount)
  const queue = topic?.queues[0]
  if (queue === undefined) return { drop: `there is no ${checkedTooOftenTopic}` }
  const record = recordOfMessage(checkedOf(message, row.count))
  if (isMessageFault(record)) return { drop: record.text }
  const group = message.property(producerGroupName)
  const uniqueKey = message.property(uniqueKeyName)
  services.log('warn', 'transaction-given-up', { group, uniqueKey, checks: row.count })
  return { settle: { appends: [{ queue, records: [record], origin: 'rocketmq' }] } }
}
