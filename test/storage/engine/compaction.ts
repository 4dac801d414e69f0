import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import { codecOf } from '../../../storage/batch/attributes.ts'
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import type { QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import {
  compactedQueue,
  type Entry,
  entriesBatch,
  found,
  padded,
  put,
  restart,
  restarts,
  seal
} from './compacted.ts'
import { fill, moveTo } from './deletion.ts'
import { packedRecord } from './packed.ts'
import { batchesOf, contractTest, dataOf, type OpenEngine } from './world.ts'

export function compactionTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'of each key the newest record stays, at its offset', async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    for (let i = 0; i < 30; i++) await put(world, queue, [[`k${i % 3}`, padded(`v${i}`)]])
    await seal(world, filler)
    await put(world, queue, [['k0', 'last']])
    const full = world.engine.stats()
    const sizes = await world.engine.sizesOf([queue, filler])
    await world.engine.enforceRetention()
    const stats = world.engine.stats()
    t.equal(stats.compactedRecords, 27)
    t.ok(stats.compactionPasses >= 1 && stats.segmentsCompacted >= 1)
    t.ok(stats.compactedBytes > 27 * 3000, `${stats.compactedBytes} bytes`)
    t.ok(stats.logBytes < full.logBytes - 27 * 3000)
    const after = await world.engine.sizesOf([queue, filler])
    t.ok(after[0]! < sizes[0]! - 27 * 3000, 'the size of the queue follows')
    t.equal(after[1], sizes[1])
    for (const how of restarts) {
      await restart(world, how)
      t.same(await found(world, queue), ['27 k0=v27', '28 k1=v28', '29 k2=v29', '30 k0=last'])
      t.same(await world.engine.sizesOf([queue, filler]), after)
      t.match(await world.engine.ends(queue), { logStartOffset: 0, highWatermark: 31 })
      for (const offset of [0, 1, 13, 26, 27]) {
        const data = await world.readOne({ queue, offset })
        t.match(batchesOf(data)[0]?.bytes.readBigInt64BE(0), 27n, `${offset} goes on at the next`)
      }
    }
    await seal(world, filler)
    await world.engine.enforceRetention()
    t.same(await found(world, queue), ['28 k1=v28', '29 k2=v29', '30 k0=last'])
    t.equal((await world.recordsOf(filler)).length, 8)
  })

  contractTest(
    t,
    open,
    'a batch that loses nothing stays byte for byte, one that loses records keeps its place',
    async (t, world) => {
      const queue = await compactedQueue(world)
      const filler = await world.queue('filler')
      const codecs = ['none', 'gzip', 'snappy', 'lz4'] as const
      const whole = new Map<number, Buffer>()
      for (const codec of codecs) {
        const many: Entry[] = ['a', 'b', 'c', 'd'].map((key) => [key, `${codec}-${key}`])
        await put(world, queue, [...many, [codec, 'stays']], { codec })
        const base = await put(world, queue, [[`only-${codec}`, 'one'] as const], { codec })
        const [batch] = batchesOf(await world.readOne({ queue, offset: base }))
        whole.set(base, Buffer.from(batch!.bytes))
      }
      await seal(world, filler)
      await world.engine.enforceRetention()
      for (const how of restarts) {
        await restart(world, how)
        const batches = batchesOf(await world.readOne({ queue }))
        const offsets = batches.map(({ bytes }) => Number(bytes.readBigInt64BE(0)))
        t.same(offsets, [0, 5, 6, 11, 12, 17, 18, 23], 'base offsets stay')
        for (const [base, bytes] of whole)
          t.ok(batches[offsets.indexOf(base)]!.bytes.equals(bytes), `the batch at ${base}`)
        for (const [i, codec] of codecs.entries()) {
          const batch = batches[i * 2]!
          t.equal(codecOf(batch.attributes), codec)
          t.equal(batch.lastOffsetDelta, 4)
          t.equal(batch.recordCount, codec === 'lz4' ? 5 : 1)
        }
        const names = await found(world, queue)
        t.same(names.slice(0, 4), [
          '4 none=stays',
          '5 only-none=one',
          '10 gzip=stays',
          '11 only-gzip=one'
        ])
        t.same(names.slice(-6, -1), [
          '18 a=lz4-a',
          '19 b=lz4-b',
          '20 c=lz4-c',
          '21 d=lz4-d',
          '22 lz4=stays'
        ])
      }
    }
  )

  contractTest(t, open, 'an idempotent producer goes on where it was', async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    const keyed = (sequence: number, key: string) =>
      entriesBatch([[key, `${sequence}`]], 1, {
        producerId: 7,
        producerEpoch: 0,
        baseSequence: sequence
      })
    await world.append(queue, keyed(0, 'a'))
    await world.append(queue, keyed(1, 'a'))
    await put(world, queue, [['a', 'other']])
    await seal(world, filler)
    await world.engine.enforceRetention()
    for (const how of restarts) {
      await restart(world, how)
      t.same(await found(world, queue), ['2 a=other'])
      const [first] = batchesOf(await world.readOne({ queue }))
      t.match(first, { recordCount: 0, producerId: 7, baseSequence: 1, lastOffsetDelta: 0 })
      const again = await world.commit({
        appends: [{ queue, batches: [keyed(1, 'a')], origin: 'kafka' }]
      })
      t.match(again.appends[0], { duplicate: true, baseOffset: 1 })
    }
    await world.append(queue, keyed(2, 'b'))
    await seal(world, filler)
    await world.engine.enforceRetention()
    const [first] = batchesOf(await world.readOne({ queue }))
    t.equal(first!.recordCount, 1, 'the empty batch went with the next of its producer')
  })

  contractTest(t, open, 'times and the greatest time are found over gaps', async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    const dated = (key: string, ...times: number[]) =>
      encodeBatch(
        times.map((timestamp) => ({ timestamp, key: Buffer.from(key), value: Buffer.from('v') }))
      )
    await world.append(queue, dated('a', 1000, 2000))
    await world.append(queue, dated('late', 90_000))
    await world.append(queue, dated('b', 3000, 4000))
    await seal(world, filler)
    await world.append(queue, dated('a', 5000))
    await world.append(queue, dated('late', 6000))
    await world.append(queue, dated('b', 7000))
    await seal(world, filler)
    await world.append(queue, dated('c', 8000))
    await world.engine.enforceRetention()
    for (const how of restarts) {
      await restart(world, how)
      t.same(
        (await world.recordsOf(queue)).map(({ offset }) => offset),
        [5, 6, 7, 8]
      )
      t.match(await world.engine.offsetByTime(queue, 0, 'record'), { offset: 5, timestampMs: 5000 })
      t.match(await world.engine.offsetByTime(queue, 6500, 'record'), { offset: 7 })
      t.equal(await world.engine.offsetByTime(queue, 50_000, 'record'), null)
      t.match(await world.engine.latestByTimestamp(queue), { offset: 8, timestampMs: 8000 })
      const byAppend = await world.engine.offsetByTime(queue, 0, 'append')
      t.ok(byAppend !== null && byAppend.offset <= 5)
    }
  })

  contractTest(t, open, 'packed records are compacted by their keys', async (t, world) => {
    const config = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }
    const { id, queues } = await world.topic('packed', 1, { config })
    const [queue] = queues as [QueueUid]
    const filler = await world.queue('filler')
    const keyed = (key: string, text: string) =>
      packedRecord(text, { encoded: encodedOf(key, text), keys: [key, `all`] })
    const send = (...records: ReturnType<typeof keyed>[]) =>
      world.commit({ appends: [{ queue, records, origin: 'rocketmq' }] })
    await send(keyed('a', '0'), keyed('b', '1'), keyed('a', '2'))
    await send(keyed('c', '3'))
    await send(keyed('c', '4'))
    await seal(world, filler)
    await world.engine.enforceRetention()
    const left = ['1 b=1', '2 a=2', '4 c=4']
    for (const how of restarts) {
      await restart(world, how)
      t.same(await found(world, queue), left)
      const query = { topicId: id, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, countMax: 10 }
      const [match] = await world.engine.findByKey({ ...query, key: 'b' })
      t.match(match, { queue, offset: 1 })
      const [result] = await world.read([{ queue, offset: 0, maxBytes: 10_000 }], {
        withOrigins: true
      })
      t.ok(dataOf(result).origins.every(({ origin }) => origin === 'rocketmq'))
    }
  })

  contractTest(t, open, 'what a client reads meanwhile is what was written', async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    const names: string[] = []
    const append = async (i: number) => {
      await put(world, queue, [[`k${i % 4}`, padded(`v${i}`)]])
      names[i] = `${i} k${i % 4}=v${i}`
    }
    for (let i = 0; i < 60; i++) await append(i)
    await seal(world, filler)
    let isWorking = true
    const readOver = async () => {
      let rounds = 0
      for (; isWorking || rounds === 0; rounds++) {
        for (let offset = 0; offset < 60; offset += 7) {
          const data = await world.readOne({ queue, offset, maxBytes: 10_000 })
          if (data instanceof StoreError) throw data
          t.ok(data.nextOffset > offset)
        }
        for (const text of await found(world, queue))
          t.equal(text, names[Number.parseInt(text, 10)])
        await setImmediate()
      }
    }
    const readers = [readOver(), readOver()]
    const compacted = world.engine.enforceRetention()
    for (let i = 60; i < 80; i++) await append(i)
    await compacted
    await world.engine.enforceRetention()
    isWorking = false
    await Promise.all(readers)
    t.ok(world.engine.stats().compactedRecords >= 50)
    const last = new Set((await found(world, queue)).slice(-4))
    t.same([...last], names.slice(-4))
  })

  contractTest(
    t,
    open,
    'compacted segments are cleaned, merged and deleted as others are',
    async (t, world) => {
      const queue = await compactedQueue(world)
      const goes = await world.queue('goes')
      for (let i = 0; i < 24; i++) {
        await put(world, queue, [[`k${i % 2}`, `v${i}`]])
        await fill(world, goes, 2)
      }
      await world.engine.enforceRetention()
      await moveTo(world, goes, 48)
      for (let i = 0; i < 3; i++) await world.engine.enforceRetention()
      const { segments, segmentsCleaned, segmentsDeleted } = world.engine.stats()
      t.ok(segments <= 6, `${segments} segments are left`)
      t.ok(segmentsCleaned + segmentsDeleted > 5, `${segmentsCleaned}, ${segmentsDeleted}`)
      const last = async () => (await found(world, queue)).slice(-2)
      for (const how of restarts) {
        await restart(world, how)
        t.same(await last(), ['22 k0=v22', '23 k1=v23'])
        t.match(await world.engine.ends(goes), { logStartOffset: 48, highWatermark: 48 })
      }
      await put(world, queue, [
        ['k0', 'x'],
        ['k1', 'x']
      ])
      await fill(world, goes, 4)
      await world.engine.enforceRetention()
      t.same(await found(world, queue), ['24 k0=x', '25 k1=x'])
    }
  )
}

/** A packed record's key, value and no headers; lengths below 64. */
function encodedOf(key: string, value: string): Buffer {
  const field = (text: string) => [Buffer.of(text.length * 2), Buffer.from(text)]
  return Buffer.concat([...field(key), ...field(value), Buffer.of(0)])
}
