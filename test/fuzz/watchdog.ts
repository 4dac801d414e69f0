/** Ends a process that does not come back from one case, and says which it was. */
import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const lookMs = 1000
/** Looks at one case: far more than any takes. Counted, for time goes on while a process is stopped. */
const looksMax = 60

interface Shared {
  readonly name: string
  /** The number of the case under way, 0 for none, and its seed's halves. */
  readonly cases: Int32Array
}

export class Watchdog {
  readonly #cases = new Int32Array(new SharedArrayBuffer(12))
  readonly #worker: Worker

  constructor(name: string) {
    const shared: Shared = { name, cases: this.#cases }
    this.#worker = new Worker(new URL(import.meta.url), { workerData: shared })
    this.#worker.unref()
  }

  begin(seed: number): void {
    Atomics.store(this.#cases, 1, Math.floor(seed / 2 ** 32))
    Atomics.store(this.#cases, 2, seed | 0)
    Atomics.add(this.#cases, 0, 1)
  }

  /** No case is under way. */
  end(): void {
    Atomics.store(this.#cases, 0, 0)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}

function watch({ name, cases }: Shared): void {
  let seen = 0
  let looks = 0
  setInterval(() => {
    const now = Atomics.load(cases, 0)
    looks = now === seen && now !== 0 ? looks + 1 : 0
    seen = now
    if (looks > looksMax) {
      const seed = Atomics.load(cases, 1) * 2 ** 32 + (Atomics.load(cases, 2) >>> 0)
      writeSync(2, `not ok ${name} hangs: --target ${name} --seed ${seed} --runs 1\n`)
      process.kill(process.pid, 'SIGKILL')
    }
  }, lookMs)
}

if (!isMainThread && (workerData as Partial<Shared> | null)?.cases !== undefined) {
  watch(workerData as Shared)
}
