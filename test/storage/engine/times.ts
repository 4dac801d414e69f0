import type { Test } from 'tap'
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import { leaderEpochOf } from '../../../storage/batch/patch-batch.ts'
import { appendOf, batchAt, batchesOf, batchOf, contractTest, type OpenEngine } from './world.ts'

export function timeTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'by time one finds the first record at or after it', async (t, world) => {
    const queue = await world.queue()
    await world.append(queue, batchAt(100, 200, 150))
    await world.append(queue, batchAt(120, 130))
    await world.append(queue, batchAt(300, 300, 250))
    await world.append(queue, batchAt(50))
    const wanted = [
      [0, 0, 100],
      [100, 0, 100],
      [101, 1, 200],
      [200, 1, 200],
      [201, 5, 300],
      [300, 5, 300]
    ] as const
    for (let round = 0; round < 3; round++) {
      for (const [at, offset, timestampMs] of wanted) {
        t.same(
          await world.engine.offsetByTime(queue, at, 'record'),
          { offset, timestampMs, leaderEpoch: await epochNow() },
          `${at}`
        )
      }
      t.equal(await world.engine.offsetByTime(queue, 301, 'record'), null)
      if (round === 0) await world.under.reopen()
      else await world.under.crash()
    }

    // The records are of epoch 0, whatever a crash made of the queue's own.
    async function epochNow(): Promise<number> {
      return leaderEpochOf(batchesOf(await world.readOne({ queue }))[0]!)
    }
  })

  contractTest(t, open, 'by time it makes no odds how records are packed', async (t, world) => {
    const queue = await world.queue()
    const all: number[] = []
    for (let i = 0; i < 60; i++) {
      const some = Array.from({ length: world.random.between(1, 6) }, () =>
        world.random.integer(500)
      )
      all.push(...some)
      const codec = world.random.pick(['none', 'gzip', 'snappy', 'lz4'] as const)
      const news = some.map((timestamp) => ({ timestamp, value: Buffer.from('v') }))
      await world.append(queue, encodeBatch(news, { codec }))
      if (i === 30) await world.under.reopen()
    }
    for (let at = 0; at <= 500; at += 7) {
      const offset = all.findIndex((timestamp) => timestamp >= at)
      const found = await world.engine.offsetByTime(queue, at, 'record')
      t.equal(found?.offset ?? -1, offset, `${at}`)
      t.equal(found?.timestampMs, all[offset])
    }
    const latest = await world.engine.latestByTimestamp(queue)
    const greatest = Math.max(...all)
    t.match(latest, { offset: all.indexOf(greatest), timestampMs: greatest })
  })

  contractTest(t, open, 'append time is searched by when the server had it', async (t, world) => {
    const queue = await world.queue()
    const times: number[] = []
    for (let i = 0; i < 6; i++) {
      await world.clock.advance(1000)
      const { appends } = await world.commit({ appends: [appendOf(queue, batchAt(5, 9))] })
      times.push(appends[0]!.appendTimeMs)
    }
    for (let round = 0; round < 2; round++) {
      for (const [i, timestampMs] of times.entries()) {
        t.match(await world.engine.offsetByTime(queue, timestampMs, 'append'), {
          offset: i * 2,
          timestampMs
        })
        t.match(await world.engine.offsetByTime(queue, timestampMs - 999, 'append'), {
          offset: i * 2
        })
      }
      t.equal(await world.engine.offsetByTime(queue, times[5]! + 1, 'append'), null)
      await world.under.reopen()
    }
  })

  contractTest(
    t,
    open,
    'with append time stamped, record time is append time',
    async (t, world) => {
      const queue = await world.queue()
      await world.clock.advance(777)
      const append = { ...appendOf(queue, batchAt(5, 9)), stampAppendTime: true }
      const { appends } = await world.commit({ appends: [append] })
      const timestampMs = appends[0]!.appendTimeMs
      t.match(await world.engine.offsetByTime(queue, 10, 'record'), { offset: 0, timestampMs })
      t.match(await world.engine.latestByTimestamp(queue), { offset: 0, timestampMs })
    }
  )

  contractTest(t, open, 'the greatest timestamp is the earliest of several', async (t, world) => {
    const queue = await world.queue()
    t.equal(await world.engine.latestByTimestamp(queue), null)
    t.equal(await world.engine.offsetByTime(queue, 0, 'record'), null)
    t.equal(await world.engine.offsetByTime(queue, 0, 'append'), null)
    for (const some of [[100], [90, 400, 400], [400], [20]])
      await world.append(queue, batchAt(...some))
    for (let round = 0; round < 2; round++) {
      t.match(await world.engine.latestByTimestamp(queue), { offset: 2, timestampMs: 400 })
      await world.under.crash()
    }
  })

  contractTest(t, open, 'nothing before the log start is found by time', async (t, world) => {
    const queue = await world.queue()
    for (const at of [100, 900, 300, 400]) await world.append(queue, batchAt(at, at + 1))
    const put = { family: 'log-start', row: { queue, offset: 5 } } as const
    await world.commit({ changes: [{ op: 'put', row: put }] })
    for (let round = 0; round < 2; round++) {
      t.match(await world.engine.offsetByTime(queue, 0, 'record'), { offset: 5, timestampMs: 301 })
      t.match(await world.engine.offsetByTime(queue, 0, 'append'), { offset: 5 })
      t.equal(await world.engine.offsetByTime(queue, 500, 'record'), null)
      t.match(await world.engine.latestByTimestamp(queue), { offset: 7, timestampMs: 401 })
      await world.under.reopen()
    }
  })

  contractTest(t, open, 'epochs say where each of them ended', async (t, world) => {
    const queue = await world.queue()
    await world.append(queue, batchOf(['a', 'b', 'c']))
    t.same(await world.engine.epochEnd(queue, 0), { epoch: 0, endOffset: 3 })
    t.equal(await world.engine.epochEnd(queue, 1), null)
    t.equal(await world.engine.epochEnd(queue, -1), null)
    const epochs = [
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 3 }
    ]
    await world.commit({
      changes: [{ op: 'put', row: { family: 'queue-epochs', row: { queue, epochs } } }]
    })
    await world.append(queue, batchOf(['d']))
    for (let round = 0; round < 2; round++) {
      t.equal((await world.engine.ends(queue)).leaderEpoch, 3)
      for (const epoch of [0, 1, 2])
        t.same(await world.engine.epochEnd(queue, epoch), { epoch: 0, endOffset: 3 })
      t.same(await world.engine.epochEnd(queue, 3), { epoch: 3, endOffset: 4 })
      t.equal(await world.engine.epochEnd(queue, 4), null)
      t.same(batchesOf(await world.readOne({ queue })).map(leaderEpochOf), [0, 3])
      await world.under.reopen()
    }
  })
}
