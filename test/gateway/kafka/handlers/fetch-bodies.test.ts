import { deflateSync } from 'node:zlib'
import t from 'tap'
import {
  isMessageFault,
  noHost,
  recordOfMessage
} from '../../../../gateway/broker/translate/index.ts'
import { parseBatches, storedBatch } from '../../../../storage/batch/parse-batch.ts'
import { decodeRecords, recordsBlock } from '../../../../storage/batch/records.ts'
import type { PackedRecord, Topic } from '../../../../storage/index.ts'
import { type KafkaRig, kafkaRig } from '../rig.ts'
import { askOne, partition } from './fetch-asker.ts'

const body = Buffer.alloc(20_000, 'compressible ')

/** A RocketMQ client's compressed message as the store has it. */
function packed(content: Buffer, sysFlag = 1): PackedRecord {
  const record = recordOfMessage({
    flag: 0,
    sysFlag,
    bornTimestampMs: 1_750_000_000_000,
    bornHost: noHost,
    reconsumeTimes: 0,
    preparedOffset: 0n,
    properties: Buffer.from('UNIQ_KEY\u00011\u0002'),
    body: sysFlag === 1 ? deflateSync(content) : content
  })
  if (isMessageFault(record)) throw new Error(record.text)
  return record
}

async function append(rig: KafkaRig, topic: Topic, queue: number, records: PackedRecord[]) {
  const uid = topic.queues[queue] as number
  await rig.store.commit({ appends: [{ queue: uid, records, origin: 'rocketmq' }] })
}

/** Offset and value of each record of a fetch's answer. */
async function recordsIn(records: Buffer | null): Promise<[number, Buffer | null][]> {
  const batches = parseBatches(records ?? Buffer.alloc(0), storedBatch)
  if (!Array.isArray(batches)) throw new Error('no row of batches')
  const all: [number, Buffer | null][] = []
  for (const batch of batches) {
    const block = await recordsBlock(batch, 1 << 26)
    for (const { offset, value } of decodeRecords(batch, block)) all.push([offset, value])
  }
  return all
}

t.test("bodies that RocketMQ's clients compressed are inflated for Kafka's", async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 1)
  await rig.append(topic, 0, 'before')
  await append(rig, topic, 0, [packed(body), packed(Buffer.from('plain'), 0)])
  await rig.append(topic, 0, 'after')
  const one = await askOne(rig.connect(), 'orders', partition(0))
  const all = await recordsIn(one.records)
  t.same(
    all.map(([offset]) => offset),
    [0, 1, 2, 3]
  )
  t.equal(all[0]?.[1]?.toString(), 'before')
  t.ok(all[1]?.[1]?.equals(body))
  t.equal(all[2]?.[1]?.toString(), 'plain')
  t.equal(all[3]?.[1]?.toString(), 'after')
})

t.test('inflated answers keep to the size asked for, but for the first batch', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 2)
  for (let i = 0; i < 3; i++) {
    await append(rig, topic, 0, [packed(body)])
    await append(rig, topic, 1, [packed(body)])
  }
  const client = rig.connect()
  const offsets = async (from: number, most: number) => {
    const one = await askOne(client, 'orders', { ...partition(0, from), partitionMaxBytes: most })
    return (await recordsIn(one.records)).map(([offset]) => offset)
  }
  t.same(await offsets(0, 1), [0], 'a batch is there, whatever its size')
  t.same(await offsets(0, 30_000), [0])
  t.same(await offsets(1, 45_000), [1, 2])
  t.same(await offsets(0, 1_000_000), [0, 1, 2])
})

t.test("what a Kafka client wrote is never taken for a RocketMQ client's", async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 1)
  // The same bytes, sent by a Kafka client, in a read that has a real one too.
  await append(rig, topic, 0, [packed(body)])
  const queue = topic.queues[0] as number
  const [data] = await rig.store.read({
    queues: [{ queue, offset: 0, maxBytes: 1 << 20 }],
    maxBytes: 1 << 20,
    isolation: 'uncommitted'
  })
  if (data === undefined || !('buffers' in data)) throw new Error('nothing was read')
  const forged = parseBatches(Buffer.from(Buffer.concat([...data.buffers])))
  if (!Array.isArray(forged)) throw new Error('no row of batches')
  await rig.store.commit({ appends: [{ queue, batches: forged, origin: 'kafka' }] })
  const one = await askOne(rig.connect(), 'orders', partition(0))
  const all = await recordsIn(one.records)
  t.ok(all[0]?.[1]?.equals(body))
  t.ok(all[1]?.[1]?.equals(deflateSync(body)), 'as it was sent')
})
