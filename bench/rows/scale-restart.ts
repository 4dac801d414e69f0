/** A log of ten gigabytes: what a server holds of it in memory, and how soon it is back after `kill -9`. */
import type { Contestant } from '../contestants.ts'
import { makeTopics, produceToAll, type Queues, queuesOf, readAll } from '../scale/queues.ts'
import type { Results } from '../table.ts'
import type { BenchRow } from './row.ts'
import { memoryOf } from './start.ts'

const gigabyte = 1e9
/** Where memory is looked at. */
const sizes = [1, 5, 9]
const settleMs = 3000
/** What is written before each kill, so that they come at different moments between two checkpoints. */
const beforeKills = { large: [200e6, 330e6, 470e6], tiny: [30e6, 45e6, 55e6] }

const large: Queues = { topics: ['large'], each: 16 }
const largeLoad = { connections: 4, inFlight: 5, queuesPerRequest: 4, bytes: 16_000 }
const many = queuesOf(1000, 10)
const tinyLoad = { connections: 4, inFlight: 5, queuesPerRequest: 500, bytes: 100 }

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

class Restarts {
  readonly #c: Contestant
  readonly #results: Results

  constructor(c: Contestant, results: Results) {
    this.#c = c
    this.#results = results
  }

  add(name: string, unit: string, value: number): void {
    this.#results.add(name, unit, false, this.#c.name, value)
  }

  produce(queues: Queues, load: typeof largeLoad, bytes: number): Promise<unknown> {
    const { bootstrap, pid } = this.#c
    return produceToAll(bootstrap, queues, { ...load, until: { bytes }, pid })
  }

  /** The slowest of several, each after more was written. */
  async afterKills(
    what: string,
    queues: Queues,
    load: typeof largeLoad,
    amounts: readonly number[]
  ): Promise<void> {
    let slowest = 0
    for (const bytes of amounts) {
      await this.produce(queues, load, bytes)
      await this.#c.kill()
      slowest = Math.max(slowest, await timed(() => this.#c.start('its folder')))
    }
    this.add(`10 GB: start after kill -9, ${what}`, 'ms', slowest)
    await settle()
    this.add(`10 GB: memory 3 s later, ${what}`, 'MB', memoryOf(this.#c.pid, 'VmRSS'))
  }
}

export const scaleRestartRow: BenchRow = {
  name: 'scale-restart',
  started: false,
  ownClient: true,
  async measure(c, _, results) {
    const restarts = new Restarts(c, results)
    await c.start('an empty folder')
    await makeTopics(c.bootstrap, large)
    let there = 0
    for (const size of sizes) {
      await restarts.produce(large, largeLoad, size * gigabyte - there)
      there = size * gigabyte
      await c.stop()
      const ms = await timed(() => c.start('its folder'))
      await settle()
      restarts.add(`${size} GB: start on a closed store`, 'ms', ms)
      restarts.add(`${size} GB: memory, idle`, 'MB', memoryOf(c.pid, 'VmRSS'))
    }
    await restarts.afterKills('large batches', large, largeLoad, beforeKills.large)
    const { maxMs, bytes, ms } = await readAll(c.bootstrap, large)
    results.add('10 GB: one consumer reads all', 'MB/s', true, c.name, bytes / ms / 1000)
    restarts.add('10 GB: its slowest answer', 'ms', maxMs)
    restarts.add('10 GB: memory, all was read', 'MB', memoryOf(c.pid, 'VmRSS'))
    await makeTopics(c.bootstrap, many)
    const what = 'tiny runs in 10,000 queues'
    await restarts.afterKills(what, many, tinyLoad, beforeKills.tiny)
    await c.stop()
  }
}
