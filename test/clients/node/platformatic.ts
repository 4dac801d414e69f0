/** @platformatic/kafka behind the line protocol of ../README.md. */
import { randomUUID } from 'node:crypto'
import {
  Admin,
  Consumer,
  type Message,
  type MessagesStream,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer
} from '@platformatic/kafka'
import type { OffsetOf, WireRecord } from '../wire.ts'
import { arrivalQueue, bootstrapAddress, serve, tell, toBytes, toText } from './serve.ts'

type Bytes = Buffer<ArrayBufferLike>
type Stream = MessagesStream<Bytes, Bytes, Bytes, Bytes>
type Received = Message<Bytes, Bytes, Bytes, Bytes>

const base = {
  clientId: 'platformatic-test',
  bootstrapBrokers: [bootstrapAddress()],
  retries: 30,
  retryDelay: 200,
  autocreateTopics: true,
  metadataMaxAge: 1000
}

const admin = new Admin(base)
const lookups = new Consumer({ ...base, groupId: `lookups-${randomUUID()}` })
const arrived = arrivalQueue<WireRecord>()
let producer: Producer<Bytes, Bytes, Bytes, Bytes> | undefined
let reader: { consumer: Consumer; stream: Stream } | undefined
let member: { consumer: Consumer; stream: Stream } | undefined

function recordOf(record: Received): WireRecord {
  return {
    partition: record.partition,
    offset: Number(record.offset),
    timestamp: Number(record.timestamp),
    key: toText(record.key),
    value: toText(record.value),
    headers: [...record.headers].map(([name, value]) => [name.toString(), toText(value)])
  }
}

async function partitionsOf(topic: string): Promise<number[]> {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  return Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, p) => p)
}

async function offsetsAt(topic: string, timestamp: bigint): Promise<OffsetOf> {
  await lookups.metadata({ topics: [topic], forceUpdate: true })
  const offsets = await lookups.listOffsets({ topics: [topic], timestamp })
  const of = offsets.get(topic) ?? []
  return Object.fromEntries(of.map((offset, partition) => [partition, Number(offset)]))
}

async function leave(left: typeof member): Promise<void> {
  await left?.stream.close()
  await left?.consumer.close(true)
}

await serve({
  'create-topic': async ({ topic, partitions }) => {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    return {}
  },
  'delete-topic': async ({ topic }) => {
    await admin.deleteTopics({ topics: [topic] })
    return {}
  },
  'list-topics': async () => ({ topics: await admin.listTopics() }),
  'describe-topic': async ({ topic }) => ({ partitions: (await partitionsOf(topic)).length }),
  produce: async ({ topic, codec, records }) => {
    producer ??= new Producer({ ...base, idempotent: true })
    const result = await producer.send({
      compression: codec,
      messages: records.map((record) => ({
        topic,
        partition: record.partition,
        timestamp: BigInt(record.timestamp),
        key: toBytes(record.key) as Bytes,
        value: toBytes(record.value) as Bytes,
        headers: new Map(
          record.headers.map(([name, value]) => [Buffer.from(name), toBytes(value) as Bytes])
        )
      }))
    })
    const next = new Map(result.offsets?.map((one) => [one.partition, Number(one.offset)]))
    const offsets = records.map(({ partition }) => {
      const offset = next.get(partition) ?? -1
      next.set(partition, offset + 1)
      return offset
    })
    return { offsets }
  },
  open: async ({ topic, from }) => {
    const positions = await offsetsAt(topic, from === 'end' ? -1n : -2n)
    arrived.clear()
    const consumer = new Consumer({ ...base, groupId: `reader-${randomUUID()}` })
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.MANUAL,
      offsets: Object.entries(positions).map(([partition, offset]) => ({
        topic,
        partition: Number(partition),
        offset: BigInt(offset)
      })),
      autocommit: false,
      maxWaitTime: 100
    })
    stream.on('data', (record: Received) => arrived.push(recordOf(record)))
    reader = { consumer, stream }
    return { positions }
  },
  take: async ({ count, timeoutMs }) => ({ records: await arrived.take(count, timeoutMs) }),
  close: async () => {
    await leave(reader)
    reader = undefined
    return {}
  },
  join: async ({ topic, group, sessionTimeoutMs }) => {
    const consumer = new Consumer({
      ...base,
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: 1000
    })
    const report = (): void => {
      const mine = consumer.assignments?.find((one) => one.topic === topic)
      tell({ event: 'assigned', partitions: mine?.partitions ?? [] })
    }
    consumer.on('consumer:group:join', report)
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
      maxWaitTime: 100
    })
    report()
    stream.on('error', (error: Error) => tell({ event: 'trouble', error: String(error) }))
    member = { consumer, stream }
    void consume(stream)
    return {}
  },
  leave: async () => {
    await leave(member)
    member = undefined
    return {}
  },
  committed: async ({ topic, group }) => {
    const [of] = await admin.listConsumerGroupOffsets({ groups: [group] })
    const mine = of?.topics.find(({ name }) => name === topic)?.partitions ?? []
    const known = new Map(
      mine.map((one) => [one.partitionIndex, Number(one.committedOffset)] as const)
    )
    const partitions = await partitionsOf(topic)
    return { offsets: Object.fromEntries(partitions.map((p) => [p, known.get(p) ?? -1])) }
  },
  'offsets-for-time': async ({ topic, timestamp }) => ({
    offsets: await offsetsAt(topic, BigInt(timestamp))
  }),
  'end-offsets': async ({ topic }) => ({ offsets: await offsetsAt(topic, -1n) })
})

/** Commits after each record. */
async function consume(stream: Stream): Promise<void> {
  for await (const record of stream) {
    tell({ event: 'records', records: [recordOf(record)] })
    try {
      await record.commit()
      const next = Number(record.offset) + 1
      tell({ event: 'committed', offsets: { [record.partition]: next } })
    } catch (error) {
      tell({ event: 'trouble', error: String(error) })
    }
  }
}
