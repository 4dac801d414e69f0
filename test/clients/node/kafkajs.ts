/** kafkajs behind the line protocol of ../README.md. */
import kafkajs, { type Batch, type Consumer, type IHeaders, type Producer } from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import snappy from 'snappy'
import type { Codec, OffsetOf, WireRecord } from '../wire.ts'
import { arrivalQueue, bootstrapAddress, serve, tell, toBytes, toText } from './serve.ts'

// A CommonJS package whose names the ESM loader does not see.
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

const xerialMagic = Buffer.from('\x82SNAPPY\x00', 'latin1')
const xerialHeaderBytes = 16

/** Raw, or in xerial's frames as Java's client writes it: a header, then blocks after their lengths. */
async function decompressSnappy(buffer: Buffer): Promise<Buffer> {
  if (!buffer.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    return (await snappy.uncompress(buffer)) as Buffer
  }
  const blocks: Buffer[] = []
  for (let at = xerialHeaderBytes; at < buffer.length; ) {
    const start = at + 4
    at = start + buffer.readInt32BE(at)
    blocks.push((await snappy.uncompress(buffer.subarray(start, at))) as Buffer)
  }
  return Buffer.concat(blocks)
}

// kafkajs brings gzip only; the rest is for its user to plug in.
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => snappy.compress(buffer),
  decompress: decompressSnappy
})
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => compressFrame(buffer),
  decompress: (buffer: Buffer) => decompressFrame(buffer)
})

const codecs: Partial<Record<Codec, number>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4
}

const kafka = new Kafka({
  brokers: [bootstrapAddress()],
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 100, retries: 10 }
})
const admin = kafka.admin()
await admin.connect()
const arrived = arrivalQueue<WireRecord>()
let producer: Producer | undefined
let reader: Consumer | undefined
let member: Consumer | undefined

function headersOf(record: WireRecord): IHeaders {
  const headers: Record<string, Buffer[]> = {}
  for (const [name, value] of record.headers) {
    headers[name] = [...(headers[name] ?? []), toBytes(value) ?? Buffer.alloc(0)]
  }
  return headers
}

function recordsOf(batch: Batch): WireRecord[] {
  return batch.messages.map(({ key, value, offset, timestamp, headers }) => ({
    partition: batch.partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: toText(key),
    value: toText(value),
    headers: Object.entries(headers ?? {}).flatMap(([name, values]) =>
      [values].flat().map((one): [string, string | null] => [name, toText(one as Buffer)])
    )
  }))
}

async function offsetsAt(topic: string, which: 'low' | 'high'): Promise<OffsetOf> {
  const of = await admin.fetchTopicOffsets(topic)
  return Object.fromEntries(of.map((one) => [one.partition, Number(one[which])]))
}

await serve({
  'create-topic': async ({ topic, partitions }) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
    return {}
  },
  'delete-topic': async ({ topic }) => {
    await admin.deleteTopics({ topics: [topic] })
    return {}
  },
  'list-topics': async () => ({ topics: await admin.listTopics() }),
  'describe-topic': async ({ topic }) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return { partitions: topics[0]?.partitions.length ?? 0 }
  },
  produce: async ({ topic, codec, records }) => {
    if (!producer) {
      producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: true })
      await producer.connect()
    }
    const compression = codecs[codec]
    if (compression === undefined) throw new Error(`no codec ${codec}`)
    const result = await producer.send({
      topic,
      compression,
      messages: records.map((record) => ({
        partition: record.partition,
        timestamp: String(record.timestamp),
        key: toBytes(record.key),
        value: toBytes(record.value),
        headers: headersOf(record)
      }))
    })
    const next = new Map(result.map((one) => [one.partition, Number(one.baseOffset)]))
    const offsets = records.map(({ partition }) => {
      const offset = next.get(partition) ?? -1
      next.set(partition, offset + 1)
      return offset
    })
    return { offsets }
  },
  open: async ({ topic, from }) => {
    const positions = await offsetsAt(topic, from === 'end' ? 'high' : 'low')
    const groupId = `reader-${process.pid}-${Math.random()}`
    const opened = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
    reader = opened
    arrived.clear()
    await opened.connect()
    await opened.subscribe({ topic, fromBeginning: true })
    await opened.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => arrived.push(...recordsOf(batch))
    })
    for (const [partition, offset] of Object.entries(positions)) {
      opened.seek({ topic, partition: Number(partition), offset: String(offset) })
    }
    return { positions }
  },
  take: async ({ count, timeoutMs }) => ({ records: await arrived.take(count, timeoutMs) }),
  close: async () => {
    await reader?.disconnect()
    return {}
  },
  join: async ({ topic, group, sessionTimeoutMs }) => {
    const joined = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: 1000,
      maxWaitTimeInMs: 100
    })
    member = joined
    joined.on(joined.events.REBALANCING, () => tell({ event: 'assigned', partitions: [] }))
    joined.on(joined.events.GROUP_JOIN, ({ payload }) =>
      tell({ event: 'assigned', partitions: payload.memberAssignment[topic] ?? [] })
    )
    await joined.connect()
    await joined.subscribe({ topic, fromBeginning: true })
    joined.on(joined.events.COMMIT_OFFSETS, ({ payload }) => {
      const of = payload.topics.find((one) => one.topic === topic)?.partitions ?? []
      const offsets = of.map(({ partition, offset }) => [partition, Number(offset)])
      tell({ event: 'committed', offsets: Object.fromEntries(offsets) })
    })
    await joined.run({
      eachBatch: async ({ batch }) => tell({ event: 'records', records: recordsOf(batch) })
    })
    return {}
  },
  leave: async () => {
    await member?.disconnect()
    return {}
  },
  committed: async ({ topic, group }) => {
    const of = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    const offsets = of[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)])
    return { offsets: Object.fromEntries(offsets ?? []) }
  },
  'offsets-for-time': async ({ topic, timestamp }) => {
    const ends = await offsetsAt(topic, 'high')
    const of = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
    // Where no record is late enough, kafkajs answers the end of the log; the protocol here wants -1.
    const offsets = of.map(({ partition, offset }) => {
      const found = Number(offset)
      return [partition, found === ends[partition] ? -1 : found]
    })
    return { offsets: Object.fromEntries(offsets) }
  },
  'end-offsets': async ({ topic }) => ({ offsets: await offsetsAt(topic, 'high') })
})
