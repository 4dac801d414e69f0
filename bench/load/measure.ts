import { readFileSync } from 'node:fs'

/** What one run of the load measured. */
export interface LoadResult {
  /** 10^6 bytes a second: payload for produce, batches for fetch. */
  megabytesPerSecond: number
  recordsPerSecond: number
  requestsPerSecond: number
  /** Of a request, in milliseconds. */
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** The server's, all threads; both null without a process id. */
  serverCores: number | null
  serverSecondsPerGigabyte: number | null
  /** The load's own. */
  clientCores: number
}

/** The clock ticks in /proc are of 10 ms on every Linux that Node runs on. */
const ticksPerSecond = 100

/** CPU seconds that a process and its threads have used. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Counts what is told between `start` and `end`. */
export class Measurement {
  #measuring = false
  #requests = 0
  #records = 0
  #bytes = 0
  #latencies: number[] = []
  #startedMs = 0
  #serverStart = 0
  #ownStart = process.cpuUsage()
  readonly #pid: number | undefined

  constructor(pid: number | undefined) {
    this.#pid = pid
  }

  get measuring(): boolean {
    return this.#measuring
  }

  count(beganMs: number, records: number, bytes: number): void {
    if (!this.#measuring) return
    this.#requests++
    this.#records += records
    this.#bytes += bytes
    this.#latencies.push(performance.now() - beganMs)
  }

  start(): void {
    this.#measuring = true
    this.#startedMs = performance.now()
    this.#serverStart = this.#pid ? cpuSecondsOf(this.#pid) : 0
    this.#ownStart = process.cpuUsage()
  }

  end(): LoadResult {
    const seconds = (performance.now() - this.#startedMs) / 1000
    const own = process.cpuUsage(this.#ownStart)
    const server = this.#pid ? cpuSecondsOf(this.#pid) - this.#serverStart : null
    const latencies = Float64Array.from(this.#latencies).sort()
    const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? 0
    return {
      megabytesPerSecond: this.#bytes / seconds / 1e6,
      recordsPerSecond: this.#records / seconds,
      requestsPerSecond: this.#requests / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      serverCores: server === null ? null : server / seconds,
      serverSecondsPerGigabyte: server === null ? null : server / (this.#bytes / 1e9),
      clientCores: (own.user + own.system) / 1e6 / seconds
    }
  }
}
