import { crc32c } from '@node-rs/crc32'
import type { Test } from 'tap'
import { batchOf as parsedBatch } from '../../../storage/batch/parse-batch.ts'
import { baseOffsetOf, leaderEpochOf, patchBatch } from '../../../storage/batch/patch-batch.ts'
import { stateKeys } from '../../../storage/state/rows.ts'
import { settled } from '../../support/fake-clock.ts'
import { fixture } from '../../support/fixtures.ts'
import {
  appendOf,
  batchesOf,
  batchOf,
  committedOffset,
  contractTest,
  type OpenEngine,
  refusal
} from './world.ts'

export function appendTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'appends get dense offsets, queue by queue', async (t, world) => {
    const { queues } = await world.topic('t', 2)
    const [a, b] = [queues[0]!, queues[1]!]
    t.equal(await world.append(a, batchOf(['0', '1', '2'])), 0)
    t.equal(await world.append(b, batchOf(['x'])), 0)
    t.equal(await world.append(a, batchOf(['3'])), 3)
    const { appends } = await world.commit({
      appends: [
        appendOf(a, batchOf(['4', '5']), batchOf(['6'])),
        appendOf(b, batchOf(['y', 'z'])),
        appendOf(a, batchOf(['7']))
      ]
    })
    t.same(
      appends.map((one) => one.baseOffset),
      [4, 1, 7]
    )
    const got = await world.recordsOf(a)
    t.same(
      got.map((one) => `${one.offset} ${one.value}`),
      [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `${i} ${i}`)
    )
    t.same(await world.valuesOf(b), ['x', 'y', 'z'])
    t.match(await world.engine.ends(a), {
      logStartOffset: 0,
      highWatermark: 8,
      lastStableOffset: 8
    })
  })

  contractTest(
    t,
    open,
    'many commits in flight keep the order they were made in',
    async (t, world) => {
      const queue = await world.queue()
      const commits = Array.from({ length: 300 }, (_, i) =>
        world.engine.commit({ appends: [appendOf(queue, batchOf([`${i}`]))] })
      )
      const results = await Promise.all(commits)
      t.same(
        results.map(({ appends }) => appends[0]!.baseOffset),
        results.map((_, i) => i)
      )
      await world.engine.settle()
      t.same(
        await world.valuesOf(queue),
        results.map((_, i) => `${i}`)
      )
    }
  )

  contractTest(
    t,
    open,
    'batches are stored byte for byte but for offset and epoch',
    async (t, world) => {
      const queue = await world.queue()
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        const sent = fixture(`kafka/batch-java-${codec}`)
        const batch = parsedBatch(Buffer.from(sent))
        const base = await world.append(queue, batch)
        const [read] = batchesOf(await world.readOne({ queue, offset: base }))
        t.equal(baseOffsetOf(read!), base)
        t.equal(leaderEpochOf(read!), 0)
        const wanted = parsedBatch(Buffer.from(sent))
        patchBatch(wanted, base, 0)
        t.ok(read!.bytes.equals(wanted.bytes), codec)
      }
    }
  )

  contractTest(
    t,
    open,
    'append time is stamped where asked, with a CRC that fits',
    async (t, world) => {
      const queue = await world.queue()
      await world.clock.advance(12_345)
      const append = { ...appendOf(queue, batchOf(['a', 'b'])), stampAppendTime: true }
      const { appends } = await world.commit({ appends: [append, appendOf(queue, batchOf(['c']))] })
      t.equal(appends[0]!.appendTimeMs, world.clock.now())
      const [stamped, plain] = batchesOf(await world.readOne({ queue }))
      t.match(stamped, { attributes: 0x08, maxTimestamp: appends[0]!.appendTimeMs })
      t.match(plain, { attributes: 0, maxTimestamp: 1000 })
      t.equal(stamped!.bytes.readUInt32BE(17), crc32c(stamped!.bytes.subarray(21)))
    }
  )

  contractTest(
    t,
    open,
    'append times never decrease, whatever the clock does',
    async (t, world) => {
      const queue = await world.queue()
      const first = await world.commit({ appends: [appendOf(queue, batchOf(['a']))] })
      world.clock.stepWallClock(-3_600_000)
      const second = await world.commit({ appends: [appendOf(queue, batchOf(['b']))] })
      await world.under.reopen()
      const third = await world.commit({ appends: [appendOf(queue, batchOf(['c']))] })
      t.ok(second.appendTimeMs >= first.appendTimeMs)
      t.ok(third.appendTimeMs >= second.appendTimeMs)
      t.equal(second.appends[0]!.appendTimeMs, second.appendTimeMs)
    }
  )

  contractTest(
    t,
    open,
    'an append to a queue that is not there changes nothing',
    async (t, world) => {
      const { id, queues } = await world.topic('t')
      const row = committedOffset('g', id, 1)
      const error = await refusal(
        world.engine.commit({
          appends: [appendOf(queues[0]!, batchOf(['a'])), appendOf(9999, batchOf(['b']))],
          changes: [{ op: 'put', row: { family: 'committed-offset', row } }]
        })
      )
      t.equal(error.code, 'queue-gone')
      t.equal((await world.engine.ends(queues[0]!)).highWatermark, 0)
      t.equal(
        await world.engine.readState(stateKeys.committedOffset('g', id, 0), { settled: true }),
        undefined
      )
      t.equal(await world.append(queues[0]!, batchOf(['c'])), 0, 'no offset was lost')
    }
  )

  contractTest(t, open, 'nothing is to be seen before it is durable', async (t, world) => {
    const { id, queues } = await world.topic('t')
    const queue = queues[0]!
    const { engine, under } = world
    const waiting = engine.waitForData({
      queues: [{ queue, offset: 0 }],
      minBytes: 1,
      maxWaitMs: 60_000,
      isolation: 'uncommitted'
    })
    await settled()
    under.gate.hold()
    let acknowledged = false
    const row = committedOffset('g', id, 1)
    const done = engine
      .commit({
        appends: [appendOf(queue, batchOf(['a']))],
        changes: [
          { op: 'put', row: { family: 'committed-offset', row } },
          { op: 'create-topic', topic: world.newTopic('other') }
        ]
      })
      .then(() => {
        acknowledged = true
      })
    let woken = false
    void waiting.then(() => {
      woken = true
    })
    if (under.flushMode === 'async') await done
    else while (under.gate.waiting === 0) await settled(1)
    await settled()
    t.equal(acknowledged, under.flushMode === 'async')
    t.notOk(woken, 'no reader is woken')
    t.equal((await world.readOne({ queue })).bytes, 0)
    t.equal((await world.readOne({ queue })).ends.highWatermark, 0)
    t.equal(await engine.readState(stateKeys.committedOffset('g', id, 0)), undefined)
    t.equal(await engine.findTopic({ kafkaName: 'other' }), undefined)
    t.equal((await engine.topics()).length, 1)
    under.gate.release()
    await done
    await engine.settle()
    t.equal(await waiting, 'ready')
    t.same(await world.valuesOf(queue), ['a'])
    t.ok(await engine.readState(stateKeys.committedOffset('g', id, 0)))
    t.ok(await engine.findTopic({ kafkaName: 'other' }))
  })

  contractTest(t, open, 'what was acknowledged is seen by every settled call', async (t, world) => {
    const { id, queues } = await world.topic('t')
    const { engine } = world
    const row = committedOffset('g', id, 1)
    const append = appendOf(queues[0]!, batchOf(['a']))
    const put = { op: 'put', row: { family: 'committed-offset', row } } as const
    await engine.commit({ appends: [append], changes: [put] })
    t.equal((await engine.ends(queues[0]!)).highWatermark, 1)
    await engine.commit({ changes: [{ op: 'create-topic', topic: world.newTopic('u') }] })
    t.ok(await engine.findTopic({ kafkaName: 'u' }, { settled: true }))
    await engine.commit({ changes: [{ op: 'create-topic', topic: world.newTopic('v') }] })
    t.equal((await engine.topics({ settled: true })).length, 3)
    await engine.commit({ changes: [{ ...put, row: { ...put.row, row: { ...row, offset: 2 } } }] })
    const key = stateKeys.committedOffset('g', id, 0)
    t.equal((await engine.readState(key, { settled: true }))?.row.offset, 2)
    await engine.commit({ changes: [{ op: 'delete', key }] })
    t.same(await engine.scanState('committed-offset', 'g'), [])
  })

  contractTest(
    t,
    open,
    'what was durable is there after a close and after a crash',
    async (t, world) => {
      const { queues } = await world.topic('t', 3)
      const wanted: string[][] = [[], [], []]
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 20; i++) {
          const at = world.random.integer(3)
          const values = Array.from(
            { length: world.random.between(1, 5) },
            () => `${world.random.word()}`
          )
          wanted[at]!.push(...values)
          await world.engine.commit({ appends: [appendOf(queues[at]!, batchOf(values))] })
        }
        await world.engine.settle()
        if (round === 1) await world.under.reopen()
        else await world.under.crash()
        for (const [at, values] of wanted.entries())
          t.same(await world.valuesOf(queues[at]!), values)
      }
    }
  )
}
