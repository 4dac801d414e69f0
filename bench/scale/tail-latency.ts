/**
 * Produce to consume at a fixed, modest rate: records go out when they are due, whatever became of those before, so
 * that a server that stands still is seen in all the records that were due meanwhile.
 */
import { decodeResponse } from '../../gateway/kafka/codec/index.ts'
import { fetchRequest, fetchResponse } from '../../gateway/kafka/schemas/fetch.ts'
import { produceRequest, produceResponse } from '../../gateway/kafka/schemas/produce.ts'
import { recordBatch } from '../load/encode.ts'
import { Connection } from './connection.ts'
import { check, versions } from './queues.ts'

export interface TailOptions {
  readonly topic: string
  /** Records a second; each is a request of its own. */
  readonly rate: number
  readonly bytes: number
  readonly warmMs: number
  readonly ms: number
}

/** Milliseconds from when a record was due: to its acknowledgement, and to a consumer having it. */
export interface TailResult {
  readonly ack: Latencies
  readonly endToEnd: Latencies
}

export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** The consumer's, as Java's defaults have them. */
const maxWaitMs = 500
/** Longest that the last records may take to arrive. */
const lastMs = 30_000

function latenciesOf(values: readonly number[]): Latencies {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number =>
    sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** The topic must be there and empty; it has one partition. */
export async function measureTail(bootstrap: string, o: TailOptions): Promise<TailResult> {
  const producer = await Connection.open(bootstrap)
  const consumer = await Connection.open(bootstrap)
  const count = Math.round(((o.warmMs + o.ms) * o.rate) / 1000)
  const warm = Math.round((o.warmMs * o.rate) / 1000)
  const ack: number[] = []
  const endToEnd: number[] = []
  const startMs = performance.now()
  const dueMs = (i: number): number => startMs + (i * 1000) / o.rate
  const consumed = consume(consumer, o.topic, count, (i) => {
    if (i >= warm) endToEnd.push(performance.now() - dueMs(i))
  })
  const frame = producer.encode(produceRequest, versions.produce, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      { name: o.topic, partitionData: [{ index: 0, records: [recordBatch(1, o.bytes)] }] }
    ]
  })
  const acks: Promise<void>[] = []
  for (let sent = 0; sent < count; ) {
    for (; sent < count && dueMs(sent) <= performance.now(); sent++) {
      const i = sent
      acks.push(
        producer.send(frame).then((answer) => {
          const { body } = decodeResponse(produceResponse, versions.produce, answer)
          check('produce', body.responses[0]?.partitionResponses[0]?.errorCode ?? -1)
          if (i >= warm) ack.push(performance.now() - dueMs(i))
        })
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(acks)
  const timer = setTimeout(() => consumer.close(), lastMs)
  await consumed
  clearTimeout(timer)
  producer.close()
  consumer.close()
  return { ack: latenciesOf(ack), endToEnd: latenciesOf(endToEnd) }
}

/** Follows the partition from its first record on; each batch holds one record. */
async function consume(
  connection: Connection,
  topic: string,
  count: number,
  take: (offset: number) => void
): Promise<void> {
  for (let offset = 0; offset < count; ) {
    const frame = connection.encode(fetchRequest, versions.fetch, {
      maxWaitMs,
      minBytes: 1,
      topics: [
        { topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }
      ]
    })
    const { body } = decodeResponse(fetchResponse, versions.fetch, await connection.send(frame))
    const one = body.responses[0]?.partitions[0]
    check('fetch', one?.errorCode ?? -1)
    const records = one?.records ?? Buffer.alloc(0)
    for (let at = 0; at + 61 <= records.length; ) {
      const size = 12 + records.readInt32BE(at + 8)
      if (at + size > records.length) break
      if (Number(records.readBigInt64BE(at)) >= offset) take(offset++)
      at += size
    }
  }
}
