// A write of the log that meets the end of the disk: its group has not happened, and the store goes on.

import type { Test } from 'tap'
import t from 'tap'
import { checkStore } from '../../storage/check.ts'
import type { Commit } from '../../storage/contract.ts'
import { openStore } from '../../storage/open-store.ts'
import type { FlushMode } from '../../storage/settings.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { SyncGate } from '../support/gated-file-system.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf, refusal, World } from './engine/world.ts'
import { tinySettings } from './store-under-test.ts'

interface Line {
  readonly event: string
  readonly [field: string]: unknown
}

/** A store on a disk whose end is where a test says. */
class FullDisk {
  readonly lines: Line[] = []
  readonly disk: FaultyDisk
  readonly clock = new FakeClock()
  readonly #index = new IndexCopies()
  readonly #flushMode: FlushMode
  readonly #t: Test
  store!: Store
  world!: World

  private constructor(t: Test, flushMode: FlushMode) {
    this.#t = t
    this.#flushMode = flushMode
    this.disk = new FaultyDisk({ random: seededRandom(t) })
    this.disk.addFolder('/data')
  }

  static async open(t: Test, flushMode: FlushMode = 'sync'): Promise<FullDisk> {
    const full = new FullDisk(t, flushMode)
    await full.#index.lay('lost')
    await full.open()
    t.teardown(() => full.store.close().catch(() => {}))
    return full
  }

  async open(): Promise<void> {
    const { disk, clock } = this
    this.store = await openStore({
      folder: '/data',
      fileSystem: disk,
      clock,
      random: disk.random,
      log: (_level, event, fields) => this.lines.push({ ...fields, event }),
      openIndex: () => this.#index.database,
      flushMode: this.#flushMode,
      settings: { ...tinySettings, reserveBytes: 64 * 1024 }
    })
    this.world = new World(this.#t, {
      engine: this.store,
      clock,
      gate: new SyncGate(),
      flushMode: this.#flushMode,
      reopen: async () => {},
      crash: async () => {}
    })
  }

  /** The next write that a segment gets fails for want of space, after `skip` others. */
  fill(skip = 0): void {
    this.disk.failNext('writev', 'ENOSPC', /segment$/, skip)
  }

  /** Space is there again (the disk always says so): the store finds out by itself. */
  async free(): Promise<void> {
    await this.clock.advance(1000)
    await settled()
    this.#t.equal(this.store.status().state, 'ready', 'appends are taken again')
  }

  /** Closes, checks and opens the store once more. */
  async again(): Promise<void> {
    await this.store.close()
    const report = await checkStore(this.disk, '/data')
    this.#t.same(report.problems, [], 'the checker is content')
    await this.#index.lay('kept')
    await this.open()
  }
}

const put = (name: string): Commit => ({
  changes: [{ op: 'put', row: { family: 'setting', row: { name, value: 'v' } } }]
})

for (const flushMode of ['sync', 'async'] as const)
  t.test(`${flushMode}: appends are refused, state in the same group is kept`, async (t) => {
    const full = await FullDisk.open(t, flushMode)
    const { world, store } = full
    const queue = await world.queue()
    await world.append(queue, batchOf(['before']))
    const append = (value: string): Commit => ({ appends: [appendOf(queue, batchOf([value]))] })
    full.fill()
    const kept = store.commit(put('kept'))
    const refused = [append('lost'), append('lost too')].map((one) => refusal(store.commit(one)))
    t.same(
      (await Promise.all(refused)).map(({ code }) => code),
      ['disk-full', 'disk-full']
    )
    await kept
    t.equal(store.status().state, 'disk-full')
    t.equal((await refusal(store.commit(append('no')))).code, 'disk-full')
    t.equal(store.stats().refusingAppends, 1)
    t.match(store.stats().refusedAppends, 1)
    t.same(await world.valuesOf(queue), ['before'], 'what was durable is read')
    await full.free()
    t.equal(await world.append(queue, batchOf(['after'])), 1, 'offsets go on without a gap')
    const events = full.lines.map(({ event }) => event)
    t.same(
      events.filter((event) => event.startsWith('appends-')),
      ['appends-refused', 'appends-taken-again']
    )
    await full.again()
    t.same(await full.world.valuesOf(queue), ['before', 'after'])
    t.equal((await full.store.scanState('setting')).length, 1)
  })

t.test('state alone for which there is no room is refused, and can be had later', async (t) => {
  const full = await FullDisk.open(t)
  await full.store.commit(put('before'))
  full.fill()
  t.equal((await refusal(full.store.commit(put('n')))).code, 'disk-full')
  t.equal((await full.store.scanState('setting')).length, 1)
  await full.store.commit(put('n'))
  await full.free()
  await full.again()
  t.equal((await full.store.scanState('setting')).length, 2)
})

t.test(
  'a topic, its deletion and a log start that could not be written were never there',
  async (t) => {
    const full = await FullDisk.open(t)
    const { world, store } = full
    const topic = await world.topic('old', 2)
    const queue = topic.queues[0]!
    for (let i = 0; i < 3; i++) await world.append(queue, batchOf([`${i}`]))
    const made = world.newTopic('new')
    full.fill()
    const commits: Commit[] = [
      { changes: [{ op: 'create-topic', topic: made }] },
      { changes: [{ op: 'move-log-start', queue, offset: 2 }] },
      { changes: [{ op: 'update-topic', id: topic.id, update: { queueCount: 5 } }] },
      { changes: [{ op: 'delete-topic', id: topic.id }] }
    ]
    const codes = await Promise.all(
      commits.map(async (one) => (await refusal(store.commit(one))).code)
    )
    t.same(codes, Array(4).fill('disk-full'))
    await full.free()
    t.equal((await store.findTopic({ id: topic.id }))?.queues.length, 2)
    t.equal(await world.append(queue, batchOf(['3'])), 3)
    await world.commit({ changes: [{ op: 'move-log-start', queue, offset: 1 }] })
    await world.commit({ changes: [{ op: 'create-topic', topic: made }] })
    await world.commit({
      changes: [{ op: 'update-topic', id: topic.id, update: { queueCount: 3 } }]
    })
    await full.again()
    t.equal((await full.store.findTopic({ id: topic.id }))?.queues.length, 3)
    t.ok(await full.store.findTopic({ id: made.id }))
    t.same(await full.world.valuesOf(queue, 1), ['1', '2', '3'])
  }
)

t.test('an idempotent producer sends again what was refused, in order', async (t) => {
  const full = await FullDisk.open(t)
  const { world, store } = full
  const queue = await world.queue()
  const send = (sequence: number, epoch = 0) =>
    store.commit({
      appends: [
        appendOf(
          queue,
          batchOf([`${epoch}.${sequence}`], {
            producerId: 7,
            producerEpoch: epoch,
            baseSequence: sequence
          })
        )
      ]
    })
  for (let i = 0; i < 6; i++) await send(i)
  full.fill()
  // More than are remembered, and another epoch.
  const flight = [send(6), send(7), send(8), send(9), send(10), send(11), send(0, 1)].map(refusal)
  for (const { code } of await Promise.all(flight)) t.equal(code, 'disk-full')
  await full.free()
  t.equal((await refusal(send(7))).code, 'sequence-out-of-order', 'a gap is still a gap')
  t.match((await send(5)).appends, [{ duplicate: true, baseOffset: 5 }], 'the old ones are known')
  for (let i = 6; i < 9; i++)
    t.match((await send(i)).appends, [{ duplicate: false, baseOffset: i }])
  await full.again()
  t.equal((await full.world.recordsOf(queue)).length, 9)
})

t.test('a roll that meets the end of the disk, at any of its writes', async (t) => {
  const value = 'x'.repeat(20_000)
  /** Appends until there is another segment, or so many; returns how many there were. */
  const appendSome = async ({ world, store }: FullDisk, queue: number, max = 100) => {
    const { segments } = store.stats()
    let count = 0
    while (count < max && store.stats().segments === segments) {
      await world.append(queue, batchOf([value]))
      count++
    }
    return count
  }
  const measured = await FullDisk.open(t)
  const fitting = (await appendSome(measured, await measured.world.queue())) - 1
  // The new segment's header, the old one's footer, the group.
  for (const skip of [0, 1, 2]) {
    const full = await FullDisk.open(t)
    const { world, store } = full
    const queue = await world.queue()
    const { segments } = store.stats()
    await appendSome(full, queue, fitting)
    full.fill(skip)
    const commit = { appends: [appendOf(queue, batchOf([value]))] }
    t.equal((await refusal(store.commit(commit))).code, 'disk-full')
    await full.free()
    t.equal(await world.append(queue, batchOf([value])), fitting)
    t.equal(store.stats().segments, segments + 1)
    await full.again()
    t.equal((await full.world.recordsOf(queue)).length, fitting + 1)
    await full.store.close()
  }
})

t.test('what cannot be taken back stops the store', async (t) => {
  const full = await FullDisk.open(t)
  const queue = await full.world.queue()
  full.fill()
  full.disk.failNext('truncate', 'EIO', /segment$/)
  const commit = { appends: [appendOf(queue, batchOf(['x']))] }
  t.equal((await refusal(full.store.commit(commit))).code, 'io-failed')
  t.equal(full.store.status().state, 'failed')
})

t.test('a snapshot for which there is no room is written when there is some', async (t) => {
  const full = await FullDisk.open(t)
  const { world, store, disk } = full
  const queue = await world.queue()
  disk.failNext('writev', 'ENOSPC', /snapshot/)
  const value = 'x'.repeat(20_000)
  const snapshots = async () => (await disk.list('/data/snapshots')).sort()
  const before = await snapshots()
  for (let i = 0; i < 20; i++) {
    await store.commit({ appends: [appendOf(queue, batchOf([value]))] }).catch(() => undefined)
    await settled()
  }
  t.ok(full.lines.some(({ event }) => event === 'snapshot-not-written'))
  t.same(
    (await snapshots()).filter((name) => !name.endsWith('.new')),
    before
  )
  await full.free()
  await settled()
  t.not((await snapshots()).at(-1), before.at(-1), 'it was written by itself')
  t.equal(store.status().state, 'ready')
})

t.test('retention does not wait for a snapshot for which there is no room', async (t) => {
  const full = await FullDisk.open(t)
  const { world, store, disk } = full
  const queue = await world.queue()
  const value = 'x'.repeat(20_000)
  for (let i = 0; i < 12; i++) await world.append(queue, batchOf([value]))
  await world.commit({ changes: [{ op: 'move-log-start', queue, offset: 12 }] })
  await settled()
  const before = store.stats().segments
  disk.failNext('writev', 'ENOSPC', /snapshot/)
  await store.enforceRetention()
  t.ok(full.lines.some(({ event }) => event === 'snapshot-not-written'))
  await full.free()
  await store.enforceRetention()
  t.ok(store.stats().segments < before, 'with space segments go')
})
