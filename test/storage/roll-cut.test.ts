// A process killed at each call of a roll, a life on what the page cache still has, then a power cut that takes LevelDB
// along: what was acknowledged in either life is there.
import t from 'tap'
import { openStore } from '../../storage/open-store.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { appendOf, batchOf } from './engine/world.ts'
import { noLog, tinySettings } from './store-under-test.ts'

/** More calls than a roll, and the group that brings it about, make. */
const callsMax = 16
/** What a power cut takes is up to the seed: so many for each call. */
const seedsPerCall = 6
/** Bytes of a record; a segment takes fourteen. */
const recordBytes = 4000
const perSegment = 14

t.setTimeout(300_000)

class Life {
  readonly random: SeededRandom
  readonly index = new IndexCopies()
  disk: FaultyDisk
  store!: Store
  queue = 0
  acknowledged = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.disk = new FaultyDisk({ random: this.random.fork() })
    this.disk.addFolder('/data')
  }

  async open(bootId: string): Promise<void> {
    this.store = await openStore({
      folder: '/data',
      fileSystem: this.disk,
      clock: new FakeClock(),
      random: this.random.fork(),
      log: noLog,
      openIndex: () => this.index.database,
      bootId,
      settings: { ...tinySettings, checkpointBytes: 1024 * 1024 }
    })
  }

  async segments(): Promise<number> {
    return (await this.disk.list('/data/log')).length
  }

  async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.appendTo(this.queue)
      this.acknowledged++
    }
  }

  async appendTo(queue: number): Promise<void> {
    await this.store.commit({ appends: [appendOf(queue, batchOf(['x'.repeat(recordBytes)]))] })
  }

  /** The first opening: a topic with so many queues. */
  async begin(queueCount: number): Promise<readonly number[]> {
    await this.index.lay('lost')
    await this.open('one')
    const names = { kafka: 't', rocketmq: 't' }
    const topic = { id: 'ab'.repeat(16), names, queueCount }
    const { topics } = await this.store.commit({ changes: [{ op: 'create-topic', topic }] })
    const queues = topics[0]?.queues ?? []
    this.queue = queues[0] ?? -1
    return queues
  }
}

t.test('a kill at any call of a roll, then a power cut, lose nothing', async (t) => {
  t.comment(`SEED=${seedOfRun}`)
  let cut = 0
  for (let i = 0; i < callsMax * seedsPerCall; i++) {
    const calls = i % callsMax
    const life = new Life(seedOfRun + i)
    await life.begin(1)
    await life.append(perSegment)
    if ((await life.segments()) !== 1) throw new Error('the roll has been already')
    life.disk.stopAfter(calls)
    await life.append(2).catch(() => {})
    if (life.disk.stopped) cut++
    life.disk = life.disk.processKill()
    await life.index.lay('kept')
    await life.open('one')
    await life.append(4)
    if ((await life.segments()) !== 2) throw new Error('there was no roll')
    life.disk = life.disk.powerCut()
    await life.index.lay('lost')
    await life.open('two')
    const ends = await life.store.endsOf([life.queue])
    t.ok(
      (ends[0]?.highWatermark ?? 0) >= life.acknowledged,
      `killed after ${calls} calls: ${life.acknowledged} were acknowledged, ${ends[0]?.highWatermark} are there`
    )
    await life.store.close()
  }
  t.ok(cut > 5 * seedsPerCall, 'rolls were cut')
})

/** Calls of what is left of a segment, and of the roll that follows. */
const fillingCallsMax = 16

t.test(
  'a roll that is cut off after segments were cleaned, and LevelDB lost, lose nothing',
  async (t) => {
    t.comment(`SEED=${seedOfRun}`)
    let cleaned = 0
    let rolled = 0
    for (let calls = 0; calls < fillingCallsMax; calls++) {
      const life = new Life(seedOfRun + calls)
      const [, goes] = await life.begin(2)
      if (goes === undefined) throw new Error('a queue is missing')
      for (let i = 0; i < 4 * perSegment; i++)
        await (i % 4 === 0 ? life.append(1) : life.appendTo(goes))
      await life.store.commit({ changes: [{ op: 'move-log-start', queue: goes, offset: 30 }] })
      await life.store.enforceRetention()
      cleaned += life.store.stats().segmentsCleaned
      const before = await life.segments()
      life.disk.stopAfter(calls)
      await life.append(2 * perSegment).catch(() => {})
      life.disk = life.disk.processKill()
      await life.index.lay('kept')
      await life.open('one')
      if ((await life.segments()) > before) rolled++
      await life.append(4)
      life.disk = life.disk.powerCut()
      await life.index.lay('lost')
      await life.open('two')
      const { highWatermark } = await life.store.ends(life.queue)
      t.ok(highWatermark >= life.acknowledged, `${highWatermark} of ${life.acknowledged} are there`)
      let next = 0
      while (next < highWatermark) {
        const queues = [{ queue: life.queue, offset: next, maxBytes: 1 }]
        const [data] = await life.store.read({ queues, maxBytes: 1, isolation: 'uncommitted' })
        if (data === undefined || data instanceof Error || data.bytes === 0) break
        next = data.nextOffset
      }
      t.equal(next, highWatermark, `killed after ${calls} calls: all of them can be read`)
      await life.store.close()
    }
    t.ok(
      cleaned > fillingCallsMax && rolled > 3,
      `${cleaned} segments were cleaned, ${rolled} rolls`
    )
  }
)

t.test('a view that was made anew has all that is known of producers', async (t) => {
  const life = new Life(seedOfRun)
  const [queue] = await life.begin(1)
  const batch = () => batchOf(['x'], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
  const produce = async () => {
    const { appends } = await life.store.commit({ appends: [appendOf(queue!, batch())] })
    return appends[0]
  }
  t.match(await produce(), { baseOffset: 0, duplicate: false })
  await life.store.close()
  for (const fate of ['lost', 'kept', 'kept'] as const) {
    await life.index.lay(fate)
    await life.open('one')
    t.match(await produce(), { baseOffset: 0, duplicate: true }, fate)
    await life.store.close()
  }
})
