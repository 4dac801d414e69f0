/** RocketMQ's side of the load: clients that speak remoting, on the same queues as Kafka's. */
import { decodeMessages, isMessageFault } from '../../gateway/broker/translate/index.ts'
import type { Command } from '../../gateway/rocketmq/codec/index.ts'
import { pullFlags, pullMessageRequest } from '../../gateway/rocketmq/headers/pull-message.ts'
import { queryConsumerOffsetRequest } from '../../gateway/rocketmq/headers/query-consumer-offset.ts'
import {
  sendBatchMessageRequest,
  sendMessageV2Request
} from '../../gateway/rocketmq/headers/send-message.ts'
import { updateConsumerOffsetRequest } from '../../gateway/rocketmq/headers/update-consumer-offset.ts'
import { RemotingConnection, RemotingRefused } from '../clients/remoting.ts'
import { untilLost } from '../support/connect.ts'
import type { RecordId } from './history.ts'
import { type LoadOptions, nextOffset } from './load.ts'
import { contentOf, idOf } from './record-content.ts'

const batchMessagesMax = 8
const found = 0
const notThere = 22
const pullWaitMs = 10

/** Of a send of a Java producer. */
export function sendHeader(topic: string, queueId: number, properties: string, batch: boolean) {
  return {
    producerGroup: 'crash-remoting',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    flag: 0,
    properties,
    batch
  }
}

function number(answer: Command, name: string): number {
  const text = answer.fields.get(name)
  if (text === undefined) throw new Error(`an answer without ${name}`)
  return Number(text)
}

/** One message; resolves with its offset. */
export async function sendOne(
  connection: RemotingConnection,
  topic: string,
  queueId: number,
  body: Buffer,
  properties = ''
): Promise<number> {
  const header = sendHeader(topic, queueId, properties, false)
  const answer = await connection.ask(sendMessageV2Request, header, body)
  if (answer.code !== 0) throw new RemotingRefused('SEND_MESSAGE_V2', answer)
  return number(answer, 'queueOffset')
}

/** A client's batch: total size, magic 0, body crc 0, flag, body, properties; each a message. */
function batchBody(bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const head = Buffer.alloc(20)
      head.writeInt32BE(head.length + body.length + 2, 0)
      head.writeInt32BE(body.length, 16)
      return [head, body, Buffer.alloc(2)]
    })
  )
}

async function sendBatch(
  connection: RemotingConnection,
  topic: string,
  queueId: number,
  bodies: readonly Buffer[]
): Promise<number> {
  const header = sendHeader(topic, queueId, '', true)
  const answer = await connection.ask(sendBatchMessageRequest, header, batchBody(bodies))
  if (answer.code !== 0) throw new RemotingRefused('SEND_BATCH_MESSAGE', answer)
  return number(answer, 'queueOffset')
}

/** Sends one message or one batch after the other, each once, whether its answer comes or not. */
export class RemotingProducer {
  readonly name: string
  acknowledgedBatches = 0
  readonly #options: LoadOptions
  readonly #counts = new Map<number, number>()

  constructor(name: string, options: LoadOptions) {
    this.name = name
    this.#options = options
  }

  run(address: string): Promise<void> {
    return untilLost(
      () => RemotingConnection.open(address),
      async (connection) => {
        for (;;) await this.#send(connection)
      }
    )
  }

  async #send(connection: RemotingConnection): Promise<void> {
    const { topic, random, record, partitions, base } = this.#options
    const queueId = random.integer(partitions)
    const partition = base + queueId
    const first = this.#counts.get(partition) ?? 0
    const isBatch = random.integer(2) === 0
    const size = isBatch ? 1 + random.integer(batchMessagesMax) : 1
    this.#counts.set(partition, first + size)
    const ids: RecordId[] = Array.from({ length: size }, (_, i) => ({
      producer: this.name,
      partition,
      count: first + i
    }))
    const [body = Buffer.alloc(0), ...more] = ids.map(contentOf)
    record({ kind: 'sent', ids })
    const baseOffset = isBatch
      ? await sendBatch(connection, topic, queueId, [body, ...more])
      : await sendOne(connection, topic, queueId, body)
    record({ kind: 'acknowledged', baseOffset, ids })
    this.acknowledgedBatches++
  }
}

/** The messages from the offset on, as many as one pull brings; none at the end of the queue. */
export async function pullFrom(
  connection: RemotingConnection,
  group: string,
  topic: string,
  queueId: number,
  queueOffset: number
) {
  const pulled = await pull(connection, group, topic, queueId, queueOffset)
  if (!('goOnAt' in pulled)) return pulled
  throw new RemotingRefused(`PULL_MESSAGE at ${queueOffset}`, pulled.answer)
}

/** Messages, or where the queue goes on if it has none at this offset, nor ends there. */
async function pull(
  connection: RemotingConnection,
  group: string,
  topic: string,
  queueId: number,
  queueOffset: number
) {
  const header = {
    consumerGroup: group,
    topic,
    queueId,
    queueOffset,
    maxMsgNums: 32,
    sysFlag: pullFlags.subscription | pullFlags.suspend,
    commitOffset: 0,
    suspendTimeoutMillis: pullWaitMs,
    subscription: '*',
    subVersion: 0,
    expressionType: 'TAG'
  }
  const answer = await connection.ask(pullMessageRequest, header)
  if (answer.code !== found) {
    const next = answer.fields.get('nextBeginOffset')
    if (next === undefined) throw new RemotingRefused(`PULL_MESSAGE at ${queueOffset}`, answer)
    const goOnAt = Number(next)
    return goOnAt === queueOffset ? [] : { goOnAt, answer }
  }
  const messages = decodeMessages(answer.body)
  if (isMessageFault(messages)) throw new Error(messages.text)
  return messages
}

/** The group's place in the queue; -1 is none. */
async function placeOf(
  connection: RemotingConnection,
  group: string,
  topic: string,
  queueId: number
): Promise<number> {
  const header = { consumerGroup: group, topic, queueId, setZeroIfNotFound: false }
  const answer = await connection.ask(queryConsumerOffsetRequest, header)
  if (answer.code === notThere) return -1
  if (answer.code !== 0) throw new RemotingRefused('QUERY_CONSUMER_OFFSET', answer)
  return number(answer, 'offset')
}

/** Commits of this group are told apart from those of the Kafka group: as of partitions of their own. */
const commitPartition = 1000

/** Pulls all queues by turns from the group's places on, and commits as it goes. */
export async function remotingConsume(
  address: string,
  group: string,
  o: LoadOptions
): Promise<void> {
  await untilLost(
    () => RemotingConnection.open(address),
    async (connection) => {
      const positions = new Map<number, number>()
      for (let queue = 0; queue < o.partitions; queue++) {
        const offset = await placeOf(connection, group, o.topic, queue)
        // A group without a place is told 0 while the queue has its first message.
        const partition = commitPartition + o.base + queue
        const committed = { kind: 'committed', partition, offset } as const
        if (offset > 0) o.record(committed)
        else o.record({ ...committed, offset: -1 })
        positions.set(queue, Math.max(0, offset))
      }
      for (;;) {
        for (const [queue, from] of positions) {
          const pulled = await pull(connection, group, o.topic, queue, from)
          if ('goOnAt' in pulled) {
            // Only a deletion may do this, which the next pull shows.
            if (pulled.goOnAt < from) throw new RemotingRefused('PULL_MESSAGE', pulled.answer)
            positions.set(queue, pulled.goOnAt)
            continue
          }
          if (pulled.length === 0) continue
          const records = pulled.map(({ place, message }) => ({
            offset: place.queueOffset,
            id: idOf(message.body)
          }))
          o.record({ kind: 'given', partition: o.base + queue, from, records })
          const next = nextOffset(records)
          positions.set(queue, next)
          if (o.random.integer(3) === 0) await commit(connection, group, o, queue, next)
        }
      }
    }
  )
}

async function commit(
  connection: RemotingConnection,
  group: string,
  o: LoadOptions,
  queueId: number,
  offset: number
): Promise<void> {
  const partition = commitPartition + o.base + queueId
  o.record({ kind: 'commit-sent', partition, offset })
  const header = { consumerGroup: group, topic: o.topic, queueId, commitOffset: offset }
  const answer = await connection.ask(updateConsumerOffsetRequest, header)
  if (answer.code !== 0) throw new RemotingRefused('UPDATE_CONSUMER_OFFSET', answer)
  o.record({ kind: 'commit-acknowledged', partition, offset })
}
