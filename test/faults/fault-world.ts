/** The machine that a server of these runs is on: a faulty disk, LevelDB's copies, a clock that the run moves. */
import { setImmediate } from 'node:timers/promises'
import type { World } from '../../src/world.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { anyFate, IndexCopies } from '../support/index-copies.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** A turn of the event loop moves the clock by up to so much, now and then. */
const turnMsMax = 10
/** The same where all wait for what is due. */
const hastyTurnMsMax = 1000

export class FaultWorld {
  readonly random: SeededRandom
  readonly index = new IndexCopies()
  disk: FaultyDisk
  clock: FakeClock
  /** LevelDB is open: what it holds may be what comes back later. */
  mayCopy = false
  /** Nothing more is asked for but what is due in a while. */
  isHasty = false
  #boot = 1
  #pumping = true
  #pumped: Promise<void>

  constructor(random: SeededRandom, nowMs: number) {
    this.random = random
    this.disk = new FaultyDisk({ random: random.fork() })
    this.disk.addFolder('/data')
    this.clock = new FakeClock(nowMs)
    this.#pumped = this.#pump()
  }

  get world(): World {
    const { disk, index, clock } = this
    return {
      fileSystem: disk,
      clock,
      random: this.random.fork(),
      openIndex: () => index.database,
      readBootId: async () => `boot ${this.#boot}`
    }
  }

  /** The machine goes down; returns what became of LevelDB. */
  async powerCut(): Promise<string> {
    this.disk = this.disk.powerCut()
    this.#boot++
    return await this.index.lay(anyFate(this.random))
  }

  /** The process goes. */
  async kill(): Promise<string> {
    this.disk = this.disk.processKill()
    return await this.index.lay(this.random.pick(['kept', 'kept', 'lost'] as const))
  }

  /** The old clock's timers are of a server that is no more. */
  renewClock(): void {
    this.clock = new FakeClock(this.clock.now() + this.random.integer(1000))
  }

  /** Time goes on until then. */
  async end(): Promise<void> {
    this.#pumping = false
    await this.#pumped
  }

  async #pump(): Promise<void> {
    while (this.#pumping) {
      await setImmediate()
      const ms = this.isHasty ? hastyTurnMsMax : turnMsMax
      if (this.random.chance(0.1)) await this.clock.advance(this.random.integer(ms))
      if (this.mayCopy && this.random.chance(0.01)) await this.index.copy()
    }
  }
}
