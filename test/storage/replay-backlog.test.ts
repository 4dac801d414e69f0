// What a restart has to replay has a most: commits wait for the checkpoint that makes it less.
import t, { type Test } from 'tap'
import type { Database } from '../../storage/databases.ts'
import { openStore } from '../../storage/open-store.ts'
import type { FileSystem } from '../../storage/ports.ts'
import type { FlushMode, StoreSettings } from '../../storage/settings.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { gatedFileSystem, SyncGate } from '../support/gated-file-system.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf, committedOffset, World } from './engine/world.ts'
import { noLog } from './store-under-test.ts'

const replayEntriesMax = 1000
const flushModes = ['sync', 'async'] as const
/** Rounds of the event loop in which a store that may go on would have written all that a test gives it. */
const rounds = 400

interface Waiting {
  readonly done: Promise<unknown>
  /** How many are acknowledged. */
  acknowledged: number
}

/** A store whose LevelDB takes as long for a batch as a test wants. */
class SlowIndex {
  disk: FaultyDisk
  readonly clock = new FakeClock()
  readonly gate = new SyncGate()
  readonly #t: Test
  readonly #flushMode: FlushMode
  readonly #settings: Partial<StoreSettings>
  /** What writes of snapshots pass. */
  readonly #writes: SyncGate
  readonly #copies = new IndexCopies()
  store!: Store
  world!: World

  private constructor(
    t: Test,
    flushMode: FlushMode,
    settings: Partial<StoreSettings>,
    writes: SyncGate
  ) {
    this.#t = t
    this.#writes = writes
    this.#flushMode = flushMode
    this.#settings = { replayEntriesMax, reserveBytes: 0, ...settings }
    this.disk = new FaultyDisk({ random: seededRandom(t) })
    this.disk.addFolder('/data')
  }

  static async open(
    t: Test,
    flushMode: FlushMode = 'sync',
    settings: Partial<StoreSettings> = {},
    writes = new SyncGate()
  ): Promise<SlowIndex> {
    const slow = new SlowIndex(t, flushMode, settings, writes)
    await slow.#copies.lay('lost')
    await slow.#open()
    t.teardown(async () => {
      slow.gate.release()
      await slow.store.close()
    })
    return slow
  }

  async #open(): Promise<void> {
    this.store = await openStore({
      folder: '/data',
      fileSystem: slowSnapshots(this.disk, this.#writes),
      clock: this.clock,
      random: this.disk.random,
      log: noLog,
      openIndex: () => gated(this.#copies.database, this.gate),
      flushMode: this.#flushMode,
      settings: this.#settings
    })
    this.world = new World(this.#t, {
      engine: this.store,
      clock: this.clock,
      gate: new SyncGate(),
      flushMode: this.#flushMode,
      reopen: async () => {},
      crash: async () => {}
    })
  }

  /** The power goes; the store is opened again on what was durable. Returns what it had to replay. */
  async crash(): Promise<number> {
    this.disk.stop()
    this.gate.release(new Error('the process is no more'))
    await this.store.close().catch(() => undefined)
    this.disk = this.disk.powerCut()
    await this.#copies.lay('kept')
    await this.#open()
    this.#t.equal(this.store.recovery.rebuilt, undefined, 'the view is gone on with')
    return this.store.recovery.entriesReplayed
  }
}

/** A database with whose batches a gate does as it likes. */
function gated(database: Database, gate: SyncGate): Database {
  const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
  const through = async (...args: unknown[]): Promise<void> => {
    await gate.pass()
    await batch(...args)
  }
  return Object.assign(database, { batch: through })
}

/** The disk, with what it opens as snapshots written through the gate. */
function slowSnapshots(disk: FaultyDisk, writes: SyncGate): FileSystem {
  const { fileSystem } = gatedFileSystem(disk, new SyncGate(), writes)
  return {
    ...gatedFileSystem(disk, new SyncGate()).fileSystem,
    open: (path, mode) => (path.includes('snapshot') ? fileSystem : disk).open(path, mode)
  }
}

function all(commits: readonly Promise<unknown>[]): Waiting {
  const waiting = { acknowledged: 0, done: Promise.all(commits) }
  waiting.done.catch(() => undefined)
  for (const commit of commits)
    commit.then(
      () => waiting.acknowledged++,
      () => undefined
    )
  return waiting
}

function appendMany({ store }: SlowIndex, queues: readonly number[], count: number): Waiting {
  return all(
    Array.from({ length: count }, (_, i) =>
      store.commit({ appends: [appendOf(queues[i % queues.length] as number, batchOf([`${i}`]))] })
    )
  )
}

for (const flushMode of flushModes) {
  t.test(
    `${flushMode}: a checkpoint that stands still holds commits up, and loses none`,
    async (t) => {
      const slow = await SlowIndex.open(t, flushMode)
      const { queues } = await slow.world.topic('topic', 20)
      slow.gate.hold()
      const waiting = appendMany(slow, queues, 5 * replayEntriesMax)
      await settled(rounds)
      const { acknowledged } = waiting
      t.equal(slow.gate.waiting, 1, 'a checkpoint is under way')
      t.ok(acknowledged > replayEntriesMax / 2, `${acknowledged} were acknowledged`)
      t.ok(acknowledged <= replayEntriesMax, `${acknowledged} were acknowledged`)
      await settled(rounds)
      t.equal(waiting.acknowledged, acknowledged, 'nothing moves')
      slow.gate.release()
      await waiting.done
      t.equal(slow.store.stats().pendingCommits, 0)
    }
  )
}

t.test('a restart replays no more than there may be, after any number of kills', async (t) => {
  const slow = await SlowIndex.open(t)
  const { queues } = await slow.world.topic('topic', 20)
  let there = 0
  for (let kill = 0; kill < 4; kill++) {
    slow.gate.hold()
    const waiting = appendMany(slow, queues, 2 * replayEntriesMax)
    await settled(rounds)
    there += waiting.acknowledged
    const replayed = await slow.crash()
    t.ok(replayed <= replayEntriesMax, `kill ${kill}: ${replayed} entries`)
    t.ok(replayed > replayEntriesMax / 2, 'nearly as many as there may be')
    const ends = await slow.store.endsOf(queues)
    t.equal(
      ends.reduce((sum, one) => sum + (one?.highWatermark ?? 0), 0),
      there,
      'all that was acknowledged is there, and no more'
    )
    slow.gate.release()
  }
})

t.test(
  'what is larger than all that there may be is taken when nothing else is there',
  async (t) => {
    const slow = await SlowIndex.open(t)
    const [queue] = (await slow.world.topic('topic')).queues as [number]
    slow.gate.hold()
    const batches = Array.from({ length: 2 * replayEntriesMax }, (_, i) => batchOf([`${i}`]))
    const waiting = all([
      slow.store.commit({ appends: [appendOf(queue, batchOf(['before']))] }),
      slow.store.commit({ appends: [appendOf(queue, ...batches)] }),
      slow.store.commit({ appends: [appendOf(queue, batchOf(['behind']))] })
    ])
    await settled(rounds)
    t.equal(waiting.acknowledged, 1, 'it waits for what came before it to be in a checkpoint')
    slow.gate.release()
    await waiting.done
    t.equal((await slow.store.ends(queue)).highWatermark, 2 * replayEntriesMax + 2)
    t.ok((await slow.crash()) <= replayEntriesMax, 'and then has a checkpoint of its own')
  }
)

t.test('the log behind a checkpoint has a most in bytes too', async (t) => {
  const replayBytesMax = 256 * 1024
  const slow = await SlowIndex.open(t, 'sync', { replayBytesMax, flushBytesMax: 16 * 1024 })
  const [queue] = (await slow.world.topic('topic')).queues as [number]
  slow.gate.hold()
  const before = slow.store.stats().logBytes
  const one = (): Promise<unknown> =>
    slow.store.commit({ appends: [appendOf(queue, batchOf(['x'.repeat(4000)]))] })
  const waiting = all(Array.from({ length: 200 }, one))
  await settled(rounds)
  const written = slow.store.stats().logBytes - before
  t.ok(written > replayBytesMax / 2, `${written} bytes`)
  t.ok(written <= replayBytesMax, `${written} bytes`)
  slow.gate.release()
  await waiting.done
})

t.test('the store’s own goes first, for a checkpoint may wait for it', async (t) => {
  const slow = await SlowIndex.open(t)
  const { queues } = await slow.world.topic('topic', 20)
  await slow.store.tend(async ({ checkpointer, upkeep }) => {
    slow.gate.hold()
    const waiting = appendMany(slow, queues, 3 * replayEntriesMax)
    await settled(rounds)
    const held = checkpointer.hold()
    slow.gate.release()
    await held
    await settled(rounds)
    const { acknowledged } = waiting
    t.ok(
      acknowledged < 3 * replayEntriesMax,
      'commits wait for a checkpoint, and it for who holds it'
    )
    await upkeep({ dropSegments: [], roll: false })
    t.ok(waiting.acknowledged <= acknowledged + 1, 'nothing else goes with it')
    checkpointer.release()
    await waiting.done
  })
})

t.test('where the disk has no room for a checkpoint nobody waits for one', async (t) => {
  const slow = await SlowIndex.open(t, 'sync', { reserveBytes: 2 * 1024 * 1024 })
  const { id } = await slow.world.topic('topic')
  slow.disk.leaveFree(900 * 1024)
  await slow.clock.advance(2000)
  await slow.world.commit({ changes: [offsetOf('asks for space', id)] })
  await settled()
  t.equal(slow.store.status().state, 'disk-full')
  const changes = Array.from({ length: 2 * replayEntriesMax }, (_, i) => offsetOf(`g${i}`, id))
  const waiting = all(changes.map((change) => slow.store.commit({ changes: [change] })))
  await waiting.done
  t.equal(waiting.acknowledged, 2 * replayEntriesMax)
})

t.test('a snapshot that takes long holds no checkpoint up', async (t) => {
  const writes = new SyncGate()
  const slow = await SlowIndex.open(t, 'sync', {}, writes)
  const { queues } = await slow.world.topic('topic', 20)
  await slow.store.tend(async ({ checkpointer }) => {
    writes.hold()
    const snapshot = checkpointer.snapshotNow()
    await settled(rounds)
    t.equal(writes.waiting, 1, 'the snapshot is being written')
    const before = checkpointer.newestSnapshot
    await appendMany(slow, queues, 5 * replayEntriesMax).done
    t.equal(checkpointer.newestSnapshot, before)
    writes.release()
    await snapshot
    t.ok(checkpointer.newestSnapshot > before)
  })
  t.ok((await slow.crash()) <= replayEntriesMax)
})

function offsetOf(group: string, topicId: string) {
  return {
    op: 'put',
    row: { family: 'committed-offset', row: committedOffset(group, topicId, 0) }
  } as const
}
