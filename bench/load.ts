/*
 * A load that costs the client next to nothing, so that the server is what gets measured: produce replays requests
 * that were encoded beforehand, fetch looks at batch headers only. Produce v7 and Fetch v4.
 *
 *   node dist/bench/load.js produce --to 127.0.0.1:9092 --topic t --partitions 16 [--pid SERVER]
 *   node dist/bench/load.js fetch   --to 127.0.0.1:9092 --topic t --partitions 16 [--pid SERVER]
 *
 * The topic must exist. Prints one JSON line; ends with 1 on the first error code.
 */
import { parseArgs } from 'node:util'
import { int16, int32, recordBatch, request, string } from './load/encode.ts'
import { Measurement } from './load/measure.ts'
import { startPipeline } from './load/pipeline.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string', default: '127.0.0.1:9092' },
    topic: { type: 'string', default: 'load' },
    partitions: { type: 'string', default: '16' },
    connections: { type: 'string', default: '4' },
    /** Produce: requests in flight on a connection. */
    inflight: { type: 'string', default: '5' },
    /** Produce: partitions in a request. */
    'per-request': { type: 'string', default: '4' },
    /** Produce: records in a batch, and bytes in a record. */
    records: { type: 'string', default: '15' },
    bytes: { type: 'string', default: '1024' },
    acks: { type: 'string', default: '-1' },
    /** Fetch: bytes a partition. */
    'fetch-bytes': { type: 'string', default: '1048576' },
    seconds: { type: 'string', default: '6' },
    warm: { type: 'string', default: '3' },
    pid: { type: 'string' }
  }
})

const { to, topic } = values
const colon = to.lastIndexOf(':')
const [host, port] = [to.slice(0, colon), Number(to.slice(colon + 1))]
const partitions = Number(values.partitions)
const connections = Number(values.connections)
const measurement = new Measurement(values.pid ? Number(values.pid) : undefined)
/** UNKNOWN_TOPIC_OR_PARTITION and its like: a topic that was just made. Forgiven until measuring begins. */
const newTopicErrors = [3, 5, 6]

function fail(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

function checkError(error: number): void {
  if (error === 0 || (!measurement.measuring && newTopicErrors.includes(error))) return
  fail(`${positionals[0]}: error code ${error}`)
}

function produce(): void {
  const perRequest = Number(values['per-request'])
  const recordsPerBatch = Number(values.records)
  const bytesPerRecord = Number(values.bytes)
  const batch = recordBatch(recordsPerBatch, bytesPerRecord)
  const frames = Array.from({ length: Math.max(1, Math.ceil(partitions / perRequest)) }, (_, i) => {
    const parts = Array.from({ length: perRequest }, (_, j) =>
      Buffer.concat([int32((i * perRequest + j) % partitions), int32(batch.length), batch])
    )
    const head = [int16(-1), int16(Number(values.acks)), int32(30_000), int32(1), string(topic)]
    return request(0, 7, ...head, int32(perRequest), ...parts)
  })
  const records = perRequest * recordsPerBatch
  /** Partition, error code, base offset, append time, log start. */
  const answerBytes = 30
  let turn = 0
  for (let c = 0; c < connections; c++) {
    startPipeline({
      host,
      port,
      depth: Number(values.inflight),
      next: () => frames[turn++ % frames.length] ?? Buffer.alloc(0),
      take: (body, beganMs) => {
        const first = 4 + 2 + topic.length + 4
        for (let j = 0; j < perRequest; j++)
          checkError(body.readInt16BE(first + j * answerBytes + 4))
        measurement.count(beganMs, records, records * bytesPerRecord)
      },
      fail
    })
  }
}

/** Each connection reads its share of the partitions from the beginning, and again when it is at the end. */
function fetch(): void {
  for (let c = 0; c < connections; c++) {
    const mine = Array.from({ length: partitions }, (_, p) => p).filter(
      (p) => p % connections === c
    )
    if (mine.length > 0) fetchPartitions(mine)
  }
}

function fetchPartitions(mine: readonly number[]): void {
  const offsets = new Map(mine.map((p) => [p, 0n]))
  const bytesMax = Number(values['fetch-bytes'])
  const next = (): Buffer => {
    const parts = mine.map((p) => {
      const b = Buffer.alloc(16)
      b.writeInt32BE(p, 0)
      b.writeBigInt64BE(offsets.get(p) ?? 0n, 4)
      b.writeInt32BE(bytesMax, 12)
      return b
    })
    const head = [int32(-1), int32(500), int32(1), int32(50 << 20), Buffer.from([0]), int32(1)]
    return request(1, 4, ...head, string(topic), int32(mine.length), ...parts)
  }
  const take = (body: Buffer, beganMs: number): void => {
    let at = 4 + 4 + 2 + topic.length
    const count = body.readInt32BE(at)
    at += 4
    let records = 0
    let bytes = 0
    for (let j = 0; j < count; j++) {
      const p = body.readInt32BE(at)
      checkError(body.readInt16BE(at + 4))
      const highWatermark = body.readBigInt64BE(at + 6)
      at += 22
      at += 4 + Math.max(0, body.readInt32BE(at)) * 16
      const end = at + 4 + Math.max(0, body.readInt32BE(at))
      for (at += 4; at + 61 <= end; ) {
        const size = 12 + body.readInt32BE(at + 8)
        if (at + size > end) break
        records += body.readInt32BE(at + 57)
        bytes += size
        offsets.set(p, body.readBigInt64BE(at) + BigInt(body.readInt32BE(at + 23)) + 1n)
        at += size
      }
      at = end
      if ((offsets.get(p) ?? 0n) >= highWatermark) offsets.set(p, 0n)
    }
    measurement.count(beganMs, records, bytes)
  }
  startPipeline({ host, port, depth: 1, next, take, fail })
}

if (positionals[0] === 'produce') produce()
else if (positionals[0] === 'fetch') fetch()
else fail('usage: load produce|fetch --to HOST:PORT --topic T --partitions N')

setTimeout(() => {
  measurement.start()
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify(measurement.end())}\n`)
    process.exit(0)
  }, Number(values.seconds) * 1000)
}, Number(values.warm) * 1000)
