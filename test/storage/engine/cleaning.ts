import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import type { QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { fill, isWhole, largeBytes, moveTo } from './deletion.ts'
import { packedRecord } from './packed.ts'
import { batchAt, batchOf, contractTest, type OpenEngine, type World } from './world.ts'

/** Two queues take turns, so that each segment has some of both; then nearly all of one of them goes. */
async function mostlyDead(world: World, rounds: number): Promise<[QueueUid, QueueUid]> {
  const [keeps, goes] = [await world.queue('keeps'), await world.queue('goes')]
  for (let i = 0; i < rounds; i++) {
    await fill(world, keeps, 1)
    await fill(world, goes, 2)
  }
  await fill(world, keeps, 4)
  await moveTo(world, goes, rounds * 2 - 1)
  return [keeps, goes]
}

/** Segments may first have to be known to no snapshot. */
async function clean(world: World): Promise<void> {
  for (let i = 0; i < 2; i++) await world.engine.enforceRetention()
}

export function cleaningTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'what is left of segments is rewritten', async (t, world) => {
    const [keeps, goes] = await mostlyDead(world, 10)
    const full = world.engine.stats()
    await clean(world)
    const { logBytes, segmentsCleaned, cleanedBytes } = world.engine.stats()
    t.ok(segmentsCleaned >= 4, `${segmentsCleaned} segments`)
    t.ok(cleanedBytes >= 6 * largeBytes, `${cleanedBytes} bytes`)
    t.ok(logBytes <= full.logBytes - 6 * largeBytes)
    for (const how of ['crash', 'reopen', 'crash', 'crash', 'reopen', 'crash'] as const) {
      await isWhole(t, world, keeps, 0)
      await isWhole(t, world, goes, 19)
      await world.under[how]()
      await fill(world, goes, 1)
      t.ok(world.engine.stats().logBytes < full.logBytes - 3 * largeBytes)
    }
    await moveTo(world, keeps, 14)
    await clean(world)
    await isWhole(t, world, keeps, 14)
    await isWhole(t, world, goes, 19)
  })

  contractTest(t, open, 'segments of which little is left become one', async (t, world) => {
    const [small, goes] = [await world.queue('small'), await world.queue('goes')]
    for (let i = 0; i < 40; i++) {
      await world.append(small, batchOf([`${i}`]))
      await fill(world, goes, 1)
    }
    await moveTo(world, goes, 40)
    const before = world.engine.stats().segments
    await clean(world)
    const { segments, logBytes } = world.engine.stats()
    t.ok(before > 10 && segments <= 4, `${before} segments, then ${segments}`)
    t.ok(logBytes < 8 * largeBytes, `${logBytes} bytes`)
    const expected = Array.from({ length: 40 }, (_, i) => `${i}`)
    for (const how of ['crash', 'reopen', 'crash'] as const) {
      t.same(await world.valuesOf(small), expected)
      t.same(await world.engine.sizesOf([goes]), [0])
      await world.under[how]()
    }
    await moveTo(world, small, 40)
    await fill(world, goes, 8)
    await clean(world)
    t.match(await world.engine.ends(small), { logStartOffset: 40, highWatermark: 40 })
    await isWhole(t, world, goes, 40)
  })

  contractTest(t, open, 'times, keys and sizes survive cleaning', async (t, world) => {
    const { id, queues } = await world.topic('kept', 2)
    const [timed, keyed] = queues as [QueueUid, QueueUid]
    const goes = await world.queue('goes')
    for (let i = 0; i < 12; i++) {
      await world.append(timed, batchAt(1000 * i + (i === 5 ? 50_000 : 0)))
      const record = packedRecord(`${i}`, { keys: ['all', `k${i}`] })
      await world.commit({ appends: [{ queue: keyed, records: [record], origin: 'rocketmq' }] })
      await fill(world, goes, 2)
    }
    await moveTo(world, goes, 24)
    const sizes = await world.engine.sizesOf(queues)
    await clean(world)
    t.ok(world.engine.stats().segmentsCleaned > 3)
    const find = async (key: string) => {
      const times = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
      const found = await world.engine.findByKey({ topicId: id, key, ...times, countMax: 100 })
      return found.map(({ offset }) => offset).sort((a, b) => a - b)
    }
    for (let round = 0; round < 4; round++) {
      t.match(await world.engine.offsetByTime(timed, 3500, 'record'), { offset: 4 })
      t.match(await world.engine.offsetByTime(timed, 20_000, 'record'), { offset: 5 })
      t.equal(await world.engine.offsetByTime(timed, 60_000, 'record'), null)
      t.match(await world.engine.latestByTimestamp(timed), { offset: 5, timestampMs: 55_000 })
      t.same(await find('k7'), [7])
      t.equal((await find('all')).length, 12)
      t.same(await world.engine.sizesOf(queues), sizes)
      await (round % 2 === 0 ? world.under.crash() : world.under.reopen())
    }
  })

  contractTest(
    t,
    open,
    'sizes that were asked for before a cleaning follow it',
    async (t, world) => {
      const [keeps, goes] = [await world.queue('keeps'), await world.queue('goes')]
      for (let i = 0; i < 10; i++) {
        await fill(world, keeps, 1)
        await fill(world, goes, 2)
      }
      await world.engine.sizesOf([keeps, goes])
      await fill(world, keeps, 4)
      await moveTo(world, goes, 19)
      await clean(world)
      t.ok(world.engine.stats().segmentsCleaned > 3)
      const sizes = await world.engine.sizesOf([keeps, goes])
      await world.under.reopen()
      t.same(await world.engine.sizesOf([keeps, goes]), sizes)
      t.ok(sizes[1]! > largeBytes && sizes[1]! < 2 * largeBytes, `${sizes[1]} bytes`)
    }
  )

  contractTest(t, open, 'who reads while segments are cleaned gets all of it', async (t, world) => {
    const [keeps, goes] = await mostlyDead(world, 12)
    let reading = true
    const readOver = async () => {
      let rounds = 0
      for (; reading || rounds === 0; rounds++) {
        for (let offset = 0; offset < 16; offset++) {
          const [data] = await world.read([{ queue: keeps, offset, maxBytes: 30_000 }])
          if (data === undefined || data instanceof StoreError) throw data
          t.equal(data.nextOffset, offset + 1)
        }
        // A disk in memory would let nothing else happen.
        await setImmediate()
      }
      return rounds
    }
    const readers = [readOver(), readOver()]
    await clean(world)
    reading = false
    await Promise.all(readers)
    t.ok(world.engine.stats().segmentsCleaned >= 4)
    await isWhole(t, world, keeps, 0)
    await isWhole(t, world, goes, 23)
  })

  contractTest(
    t,
    open,
    'a topic that goes while segments are cleaned is gone',
    async (t, world) => {
      const { id, queues } = await world.topic('gone')
      const keeps = await world.queue('keeps')
      for (let i = 0; i < 8; i++) {
        await fill(world, queues[0]!, 2)
        await fill(world, keeps, 1)
      }
      await moveTo(world, queues[0]!, 15)
      const cleaned = world.engine.enforceRetention()
      await world.commit({ changes: [{ op: 'delete-topic', id }] })
      await cleaned
      await isWhole(t, world, keeps, 0)
      await world.under.crash()
      await clean(world)
      await isWhole(t, world, keeps, 0)
      t.equal(await world.engine.findTopic({ id }), undefined)
    }
  )
}
