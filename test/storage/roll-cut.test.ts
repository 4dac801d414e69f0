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
    const value = 'x'.repeat(recordBytes)
    for (let i = 0; i < count; i++) {
      await this.store.commit({ appends: [appendOf(this.queue, batchOf([value]))] })
      this.acknowledged++
    }
  }
}

t.test('a kill at any call of a roll, then a power cut, lose nothing', async (t) => {
  t.comment(`SEED=${seedOfRun}`)
  let cut = 0
  for (let i = 0; i < callsMax * seedsPerCall; i++) {
    const calls = i % callsMax
    const life = new Life(seedOfRun + i)
    await life.index.lay('lost')
    await life.open('one')
    const { topics } = await life.store.commit({
      changes: [
        {
          op: 'create-topic',
          topic: { id: 'ab'.repeat(16), names: { kafka: 't', rocketmq: 't' }, queueCount: 1 }
        }
      ]
    })
    life.queue = topics[0]?.queues[0] ?? -1
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
