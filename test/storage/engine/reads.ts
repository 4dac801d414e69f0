import type { Test } from 'tap'
import { records } from '../../../storage/batch/records.ts'
import type { QueueData } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import {
  appendOf,
  batchesOf,
  batchOf,
  contractTest,
  dataOf,
  type OpenEngine,
  type World
} from './world.ts'

/** A queue with ten batches of three records each; each batch has the same size. */
async function tenBatches(world: World): Promise<{ queue: number; batchBytes: number }> {
  const queue = await world.queue()
  for (let i = 0; i < 10; i++) await world.append(queue, batchOf([0, 1, 2].map((j) => `${i}.${j}`)))
  return { queue, batchBytes: batchOf(['0.0', '0.1', '0.2']).bytes.length }
}

export function readTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'a read begins with the batch that contains its offset',
    async (t, world) => {
      const { queue } = await tenBatches(world)
      for (let round = 0; round < 3; round++) {
        for (let offset = 0; offset < 30; offset++) {
          const data = await world.readOne({ queue, offset })
          const [first] = batchesOf(data)
          t.equal(Number(first!.bytes.readBigInt64BE(0)), offset - (offset % 3))
          t.equal(data.nextOffset, 30)
          t.equal(
            data.bytes,
            data.buffers.reduce((sum, one) => sum + one.length, 0)
          )
          t.same(data.aborted, [])
        }
        if (round === 0) await world.under.reopen()
        else await world.under.crash()
      }
    }
  )

  contractTest(
    t,
    open,
    'the end of a queue gives nothing and the queue\u2019s ends',
    async (t, world) => {
      const { queue } = await tenBatches(world)
      const empty = (await world.topic('empty')).queues[0]!
      for (let round = 0; round < 2; round++) {
        t.match(await world.readOne({ queue, offset: 30 }), {
          buffers: { length: 0 },
          bytes: 0,
          nextOffset: 30,
          ends: { logStartOffset: 0, highWatermark: 30, lastStableOffset: 30, leaderEpoch: 0 }
        })
        t.match(await world.readOne({ queue: empty }), {
          bytes: 0,
          nextOffset: 0,
          ends: { highWatermark: 0 }
        })
        await world.under.reopen()
      }
    }
  )

  contractTest(
    t,
    open,
    'offsets out of range are refused with both ends, one queue\u2019s fault not another\u2019s',
    async (t, world) => {
      const { queue } = await tenBatches(world)
      const put = { family: 'log-start', row: { queue, offset: 6 } } as const
      await world.commit({ changes: [{ op: 'put', row: put }] })
      const results = await world.read(
        [5, 31, -1, 6]
          .map((offset) => ({ queue, offset, maxBytes: 1000 }))
          .concat({ queue: 12345, offset: 0, maxBytes: 1000 })
      )
      for (const result of results.slice(0, 3)) {
        t.ok(result instanceof StoreError)
        t.match(result, {
          code: 'offset-out-of-range',
          detail: { logStartOffset: 6, highWatermark: 30 }
        })
      }
      t.equal(dataOf(results[3]).nextOffset, 30)
      t.match(results[4], { code: 'queue-gone' })
      t.equal(results.length, 5)
    }
  )

  contractTest(t, open, 'limits are soft: whole batches, up to the limit', async (t, world) => {
    const { queue, batchBytes } = await tenBatches(world)
    for (let round = 0; round < 2; round++) {
      for (let count = 1; count <= 10; count++) {
        for (const slack of [0, batchBytes - 1]) {
          const maxBytes = count * batchBytes + slack
          const data = await world.readOne({ queue, maxBytes })
          t.ok(batchesOf(data).length >= 1)
          t.ok(data.bytes <= maxBytes, `${data.bytes} of ${maxBytes}`)
          t.equal(data.nextOffset, batchesOf(data).length * 3)
        }
      }
      await world.under.reopen()
    }
  })

  contractTest(
    t,
    open,
    'the first queue with data gives one batch, however small the limits',
    async (t, world) => {
      const { queue, batchBytes } = await tenBatches(world)
      const { queues } = await world.topic('more', 2)
      await world.append(queues[1]!, batchOf(['0.0', '0.1', '0.2']))
      const all = [queues[0]!, queue, queues[1]!].map((one) => ({
        queue: one,
        offset: 0,
        maxBytes: 1
      }))
      for (let round = 0; round < 2; round++) {
        for (const maxBytes of [0, 1, 10_000]) {
          const results = (await world.read(all, { maxBytes })).map(dataOf)
          t.same(
            results.map(({ bytes }) => bytes),
            [0, batchBytes, 0]
          )
          t.same(
            results.map(({ nextOffset }) => nextOffset),
            [0, 3, 0]
          )
        }
        await world.under.reopen()
      }
    }
  )

  contractTest(t, open, 'queues share the limit in the order of the request', async (t, world) => {
    const { queues } = await world.topic('t', 3)
    const appends = queues.map((queue) => appendOf(queue, batchOf(['abc']), batchOf(['def'])))
    await world.commit({ appends })
    const size = batchOf(['abc']).bytes.length
    const ask = (order: number[], maxBytes: number, each = 10_000) =>
      world.read(
        order.map((i) => ({ queue: queues[i]!, offset: 0, maxBytes: each })),
        { maxBytes }
      )
    for (const order of [
      [0, 1, 2],
      [2, 0, 1]
    ]) {
      const bytes = (await ask(order, 3 * size)).map((one) => dataOf(one).bytes)
      t.equal(bytes[0], 2 * size)
      t.ok(bytes[1]! <= size && bytes[2] === 0, 'what is left goes to the next')
    }
    t.same(
      (await ask([0, 1, 2], 10_000, size)).map((one) => dataOf(one).bytes),
      [size, size, size]
    )
  })

  contractTest(
    t,
    open,
    'a large batch is read whole and alone past the limits',
    async (t, world) => {
      const queue = await world.queue()
      const large = 'x'.repeat(20_000)
      await world.append(queue, batchOf(['small']))
      await world.append(queue, batchOf([large]))
      await world.append(queue, batchOf(['small']))
      for (let round = 0; round < 2; round++) {
        const data = await world.readOne({ queue, offset: 1, maxBytes: 500 })
        t.equal(data.nextOffset, 2)
        t.ok(data.bytes > 20_000)
        await world.under.reopen()
      }
    }
  )

  contractTest(t, open, 'the same queue may be asked twice in a read', async (t, world) => {
    const { queue } = await tenBatches(world)
    const results = await world.read([
      { queue, offset: 0, maxBytes: 1e6 },
      { queue, offset: 15, maxBytes: 1e6 }
    ])
    t.same(
      results.map((one) => batchesOf(dataOf(one)).length),
      [10, 5]
    )
  })

  contractTest(
    t,
    open,
    'what was read stays as it was, whatever is appended later',
    async (t, world) => {
      const queue = await world.queue()
      await world.append(queue, batchOf(['first']))
      const data = await world.readOne({ queue })
      const copy = Buffer.concat(data.buffers)
      for (let i = 0; i < 50; i++) await world.append(queue, batchOf(['x'.repeat(2000)]))
      t.ok(Buffer.concat(data.buffers).equals(copy))
      t.equal(
        (await world.readOne({ queue, maxBytes: 1 })).ends.highWatermark,
        51,
        'ends are of now'
      )
    }
  )

  contractTest(
    t,
    open,
    'readers in the midst of appends miss nothing and see nothing twice',
    async (t, world) => {
      const { queues } = await world.topic('t', 2)
      const wanted = Array.from({ length: 400 }, (_, i) => `${i}`)
      const write = async () => {
        for (let i = 0; i < 400; i += 4) {
          const some = wanted.slice(i, i + 4)
          await world.commit({ appends: queues.map((queue) => appendOf(queue, batchOf(some))) })
        }
      }
      const follow = async (queue: number) => {
        const seen: string[] = []
        while (seen.length < 400) {
          const before = seen.length
          const { nextOffset } = await world.readOne({ queue, offset: before, maxBytes: 300 })
          if (nextOffset === before)
            await world.engine.waitForData({
              queues: [{ queue, offset: before }],
              minBytes: 1,
              maxWaitMs: 1000,
              isolation: 'committed'
            })
          else seen.push(...(await world.valuesOf(queue, before)))
        }
        return seen
      }
      const [, a, b] = await Promise.all([write(), follow(queues[0]!), follow(queues[1]!)])
      t.same(a, wanted)
      t.same(b, wanted)
    }
  )

  contractTest(t, open, 'a log start hides what is before it, for good', async (t, world) => {
    const { queue } = await tenBatches(world)
    await world.commit({
      changes: [{ op: 'put', row: { family: 'log-start', row: { queue, offset: 10 } } }]
    })
    for (let round = 0; round < 3; round++) {
      t.match(await world.engine.ends(queue), { logStartOffset: 10, highWatermark: 30 })
      const [below, within] = await world.read(
        [9, 10].map((offset) => ({ queue, offset, maxBytes: 1e6 }))
      )
      t.match(below, { code: 'offset-out-of-range' })
      t.equal(dataOf(within).ends.logStartOffset, 10)
      const { appends } = await world.commit({
        appends: [appendOf((await world.topic(`t${round}`)).queues[0]!, batchOf(['x']))]
      })
      t.equal(appends[0]!.logStartOffset, 0)
      if (round === 0) await world.under.reopen()
      else await world.under.crash()
    }
    const { appends } = await world.commit({ appends: [appendOf(queue, batchOf(['x']))] })
    t.match(appends[0], { baseOffset: 30, logStartOffset: 10 })
  })

  contractTest(
    t,
    open,
    'several queues read at the same time from the disk, lent or not, give each its own',
    async (t, world) => {
      const { queues } = await world.topic('side-by-side', 4)
      const value = (queue: number, i: number) => `${queue}/${i}/`.repeat(100)
      const count = 120
      for (let i = 0; i < count; i++)
        for (const queue of queues) await world.append(queue, batchOf([value(queue, i)]))
      await world.under.reopen()

      const nextOf = new Map(queues.map((queue) => [queue, 0]))
      const lent: { data: QueueData; from: number; queue: number }[] = []
      const check = async ({ data, from, queue }: (typeof lent)[number]): Promise<void> => {
        const values: string[] = []
        for (const batch of batchesOf(data))
          values.push(...(await records(batch)).map((one) => `${one.value}`))
        const wanted = values.map((_, i) => value(queue, from + i))
        t.same(values, wanted)
      }
      while ([...nextOf.values()].some((next) => next < count)) {
        const reads = queues.map((queue) => ({
          queue,
          offset: nextOf.get(queue) as number,
          maxBytes: 1 + world.random.integer(20_000)
        }))
        const borrows = world.random.integer(2) === 0
        const results = await world.read(reads, { maxBytes: 100_000, borrows })
        for (const [i, result] of results.entries()) {
          const data = dataOf(result)
          const { queue, offset } = reads[i]!
          // Only the first queue that has anything gives a batch whatever its size.
          if (data.bytes === 0) continue
          const one = { data, from: offset, queue }
          await check(one)
          nextOf.set(queue, data.nextOffset)
          lent.push(one)
        }
        // What is still lent stays as it is while others read; it comes back in any order.
        while (lent.length > world.random.integer(12)) {
          const [one] = lent.splice(world.random.integer(lent.length), 1)
          await check(one!)
          one!.data.release?.()
        }
      }
      for (const one of lent) await check(one)
    }
  )
}
