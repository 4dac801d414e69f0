import type { Test } from 'tap'
import type { QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { packedRecord } from './packed.ts'
import { appendOf, batchOf, contractTest, type OpenEngine, type World } from './world.ts'

/** Four of them fill more than the tiny segments that stores under test have. */
export const largeBytes = 20_000
const large = (name = 'x') => batchOf([`${name}:${'x'.repeat(largeBytes)}`])

/** Appends `count` large records named by their offsets. */
export async function fill(world: World, queue: QueueUid, count: number): Promise<void> {
  const { highWatermark } = await world.engine.ends(queue)
  for (let i = 0; i < count; i++) await world.append(queue, large(`${queue}.${highWatermark + i}`))
}

/** Fails unless the queue holds exactly the records that `fill` wrote from `from` on. */
export async function isWhole(t: Test, world: World, queue: QueueUid, from: number): Promise<void> {
  const { logStartOffset, highWatermark } = await world.engine.ends(queue)
  t.equal(logStartOffset, from)
  const names = (await world.valuesOf(queue, from)).map((value) => value.split(':', 1)[0])
  const expected = Array.from({ length: highWatermark - from }, (_, i) => `${queue}.${from + i}`)
  t.same(names, expected)
}

export const moveTo = (world: World, queue: QueueUid, offset: number) =>
  world.commit({ changes: [{ op: 'move-log-start', queue, offset }] })

export function deletionTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'records that are gone free their space', async (t, world) => {
    const queue = await world.queue()
    await fill(world, queue, 20)
    const full = world.engine.stats()
    await moveTo(world, queue, 18)
    await world.engine.enforceRetention()
    const { logBytes, segments, segmentsDeleted, deletedBytes } = world.engine.stats()
    t.ok(segmentsDeleted >= 4, `${segmentsDeleted} segments`)
    t.ok(segments <= full.segments - 4)
    t.ok(logBytes <= full.logBytes - 12 * largeBytes && deletedBytes >= 12 * largeBytes)
    for (const how of ['reopen', 'crash', 'crash', 'reopen'] as const) {
      await isWhole(t, world, queue, 18)
      await world.under[how]()
      t.ok(world.engine.stats().logBytes <= full.logBytes - 12 * largeBytes)
    }
    await fill(world, queue, 6)
    await isWhole(t, world, queue, 18)
  })

  contractTest(t, open, 'topics that are gone free their space', async (t, world) => {
    const { id, queues } = await world.topic('gone', 3)
    const stays = await world.queue('stays')
    await fill(world, stays, 1)
    for (const queue of queues) await fill(world, queue, 8)
    await fill(world, stays, 1)
    for (const queue of queues) await fill(world, queue, 1)
    await world.commit({ changes: [{ op: 'delete-topic', id }] })
    await world.engine.enforceRetention()
    const { logBytes } = world.engine.stats()
    t.ok(logBytes < 10 * largeBytes, `${logBytes} bytes are left`)
    for (const how of ['crash', 'reopen'] as const) {
      await isWhole(t, world, stays, 0)
      await world.under[how]()
    }
    await fill(world, stays, 3)
    await isWhole(t, world, stays, 0)
  })

  contractTest(t, open, 'a segment goes from between others', async (t, world) => {
    const queues: QueueUid[] = []
    for (const name of ['old', 'middle', 'new']) queues.push(await world.queue(name))
    const [old, middle, young] = queues as [QueueUid, QueueUid, QueueUid]
    await fill(world, old, 2)
    await fill(world, middle, 12)
    await fill(world, young, 6)
    await fill(world, old, 1)
    await moveTo(world, middle, 12)
    await world.engine.enforceRetention()
    t.ok(world.engine.stats().segmentsDeleted >= 3)
    for (let round = 0; round < 4; round++) {
      await isWhole(t, world, old, 0)
      await isWhole(t, world, middle, 12 + round)
      await isWhole(t, world, young, 0)
      await (round % 2 === 0 ? world.under.crash() : world.under.reopen())
      await fill(world, middle, 1)
      await moveTo(world, middle, 13 + round)
      await world.engine.enforceRetention()
    }
  })

  contractTest(t, open, 'a store whose every record is gone is small', async (t, world) => {
    const queue = await world.queue()
    await fill(world, queue, 30)
    await moveTo(world, queue, 30)
    await world.engine.enforceRetention()
    t.ok(world.engine.stats().logBytes < 4 * largeBytes, 'the open segment went too')
    for (const how of ['crash', 'reopen', 'crash'] as const) {
      await world.under[how]()
      t.match(await world.engine.ends(queue), { logStartOffset: 30, highWatermark: 30 })
      t.same(await world.engine.sizesOf([queue]), [0])
    }
    t.equal(await world.append(queue, large()), 30)
  })

  contractTest(t, open, 'sizes follow appends and log starts', async (t, world) => {
    const [a, b] = [await world.queue('a'), await world.queue('b')]
    const bytes = large().bytes.length
    const batch = () => batchOf([`x:${'x'.repeat(largeBytes)}`])
    for (let i = 0; i < 10; i++) {
      await world.append(a, batch())
      if (i % 3 === 0) await world.append(b, batch())
    }
    await moveTo(world, a, 3)
    t.same(await world.engine.sizesOf([a, b]), [7 * bytes, 4 * bytes])
    await world.append(b, batch())
    await moveTo(world, a, 7)
    await world.engine.enforceRetention()
    t.same(await world.engine.sizesOf([a, b]), [3 * bytes, 5 * bytes])
    await world.under.crash()
    await moveTo(world, a, 8)
    t.same(await world.engine.sizesOf([a, b]), [2 * bytes, 5 * bytes])
    await world.under.reopen()
    t.same(await world.engine.sizesOf([b, a]), [5 * bytes, 2 * bytes])
  })

  contractTest(t, open, 'keys of records that are gone find nothing', async (t, world) => {
    const { id, queues } = await world.topic('keyed', 2)
    const filler = await world.queue('filler')
    const send = async (queue: QueueUid, text: string) => {
      const records = [packedRecord(text, { keys: ['k'] })]
      await world.commit({ appends: [{ queue, records, origin: 'rocketmq' }] })
      await world.clock.advance(1)
    }
    const find = async () => {
      const query = { topicId: id, key: 'k', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, countMax: 3 }
      const found = await world.engine.findByKey(query)
      return found.map(({ queue, offset }) => [queues.indexOf(queue), offset])
    }
    await send(queues[1]!, 'first')
    for (let i = 0; i < 6; i++) {
      await send(queues[0]!, `${i}`)
      await fill(world, filler, 3)
    }
    await moveTo(world, queues[0]!, 5)
    await moveTo(world, filler, 18)
    for (let round = 0; round < 3; round++) {
      t.same(await find(), [
        [0, 5],
        [1, 0]
      ])
      await world.engine.enforceRetention()
      if (round === 1) await world.under.crash()
    }
    await moveTo(world, queues[1]!, 1)
    await world.engine.enforceRetention()
    t.same(await find(), [[0, 5]])
  })

  contractTest(
    t,
    open,
    'readers of what goes get it, or hear that it is gone',
    async (t, world) => {
      const queue = await world.queue()
      await fill(world, queue, 24)
      let served = 0
      let refused = 0
      const readAll = async () => {
        for (let offset = 0; offset < 24; offset++) {
          const [data] = await world.read([{ queue, offset, maxBytes: 30_000 }])
          if (data instanceof StoreError) {
            t.equal(data.code, 'offset-out-of-range')
            refused++
          } else {
            t.ok(data !== undefined && data.nextOffset === offset + 1)
            served++
          }
        }
      }
      const readers = [readAll(), readAll(), readAll()]
      for (let offset = 4; offset <= 20; offset += 4) {
        await moveTo(world, queue, offset)
        await world.engine.enforceRetention()
      }
      await Promise.all(readers)
      t.equal(served + refused, 72)
      t.ok(served > 0)
      await isWhole(t, world, queue, 20)
    }
  )

  contractTest(t, open, 'writers are not held up by what goes', async (t, world) => {
    const [old, busy] = [await world.queue('old'), await world.queue('busy')]
    await fill(world, old, 20)
    await moveTo(world, old, 20)
    const enforced = world.engine.enforceRetention()
    const appends = Array.from({ length: 20 }, (_, i) =>
      world.engine.commit({ appends: [appendOf(busy, batchOf([`${i}`]))] })
    )
    await Promise.all([enforced, ...appends])
    await world.engine.settle()
    t.same(
      await world.valuesOf(busy),
      appends.map((_, i) => `${i}`)
    )
    t.ok(world.engine.stats().segmentsDeleted >= 4)
  })
}
