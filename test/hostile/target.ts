/** The built server as a child process, with watchers of all that an attack must not bring about. */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { type OwnServer, startIsthmus } from '../clients/server.ts'
import { openWitnesses, type Witnesses } from './witnesses.ts'

const mebibyte = 1024 * 1024
/** Small enough that an attack passes them within a second, if they do not hold. */
const limits = {
  'answer-bytes-max': 16 * mebibyte,
  'request-bytes-max': 16 * mebibyte,
  'partial-frame-bytes-max': 8 * mebibyte,
  'partial-frame-share-bytes-max': 2 * mebibyte,
  'frame-bytes-max': 64 * mebibyte,
  'tail-bytes': 8 * mebibyte,
  'cold-cache-bytes': 8 * mebibyte,
  'reserve-bytes': 0
}
/** What the server may take more than when it was idle: the limits above, and what waits for V8's collector, bytes. */
const grownBytesMax = 320 * mebibyte
/** Between two looks at the server's memory. */
const watchMs = 25
/** Rounds of each well-behaved client within each attack. */
const roundsPerAttack = 3
/** For the server to notice that connections are gone. */
const forgottenMs = 10_000

export const ports = ['kafka', 'namesrv', 'broker', 'http'] as const
export type Port = (typeof ports)[number]

export class Target {
  readonly server: OwnServer
  readonly #witnesses: Witnesses
  /** Log lines about requests that failed inside the server, and whatever Node itself said. */
  readonly complaints: string[] = []
  readonly #restingBytes: number
  #cut = ''

  private constructor(server: OwnServer, witnesses: Witnesses) {
    this.server = server
    this.#witnesses = witnesses
    this.#restingBytes = residentBytes(server.pid())
    server.heard = (text) => this.#hear(text)
  }

  /** At its end the server must stop by itself with exit code 0 and leave a sound store. */
  static async open(t: Test, options: readonly string[] = []): Promise<Target> {
    const small = Object.entries(limits).flatMap(([name, bytes]) => [`--${name}`, String(bytes)])
    const server = await startIsthmus([...small, ...options])
    t.teardown(() => server.close())
    const target = new Target(server, await openWitnesses(server))
    await target.#witnesses.rounds(1)
    return target
  }

  address(port: Port): string {
    return this.server.addresses[port] ?? ''
  }

  /**
   * Runs the attack while every port serves its well-behaved client, and judges: nobody of those was refused, kept
   * waiting or told anything wrong; memory stayed within bounds; nothing failed inside the server; what the attack
   * opened is forgotten after it.
   */
  async during(t: Test, attack: () => Promise<void>): Promise<void> {
    const served = this.#witnesses.rounds(roundsPerAttack)
    // Told below, and not before the attack is over.
    served.catch(() => {})
    let peakBytes = residentBytes(this.server.pid())
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, residentBytes(this.server.pid()))
    }, watchMs)
    try {
      await attack()
    } finally {
      clearInterval(watch)
    }
    await t.resolves(served, 'well-behaved clients are served during the attack')
    await t.resolves(this.#witnesses.rounds(1), 'and after it')
    const grown = Math.round((peakBytes - this.#restingBytes) / mebibyte)
    t.comment(`memory grew by ${grown} MiB; slowest round ${this.#witnesses.slowestMs | 0} ms`)
    t.ok(grown * mebibyte <= grownBytesMax, `memory grew by ${grown} MiB at most`)
    t.same(this.complaints.splice(0), [], 'nothing failed inside the server')
    await this.#forgotten(t)
  }

  /** Resolves when the well-behaved clients were served so many times more. */
  witnessed(rounds: number): Promise<void> {
    return this.#witnesses.rounds(rounds)
  }

  /** Ends the clients and the server, by SIGTERM; the store is checked. */
  async close(t: Test): Promise<void> {
    await t.resolves(this.#witnesses.close(), 'the well-behaved clients were content to the end')
    await t.resolves(this.server.stop('SIGTERM'), 'the server stops with exit code 0')
    await t.resolves(this.server.check(), 'the store is sound')
    t.same(this.complaints, [], 'nothing failed inside the server')
  }

  /** A figure of /metrics, the labels within its name. */
  async figure(name: string): Promise<number> {
    const answer = await fetch(`http://${this.address('http')}/metrics`)
    const lines = (await answer.text()).split('\n')
    const line = lines.find((each) => each.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? Number.NaN)
  }

  /** Connections open now, but for the operator's port. */
  async #forgotten(t: Test): Promise<void> {
    const protocols = ['kafka', 'rocketmq-namesrv', 'rocketmq-broker']
    const until = performance.now() + forgottenMs
    for (const protocol of protocols) {
      const name = `isthmus_connections{protocol="${protocol}"}`
      let open = await this.figure(name)
      while (open > witnessConnectionsMax && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, watchMs))
        open = await this.figure(name)
      }
      t.ok(open <= witnessConnectionsMax, `${protocol} has ${open} connections left`)
    }
  }

  #hear(text: string): void {
    const lines = (this.#cut + text).split('\n')
    this.#cut = lines.pop() ?? ''
    for (const line of lines) {
      // A stack from Node itself is no JSON.
      const expected = line.startsWith('{') && !/"level":"?(error|fatal|50|60)"?/.test(line)
      if (!expected && line !== '') this.complaints.push(line)
    }
  }
}

/** Those of kafkajs's producer and consumer, some twice while they change. */
const witnessConnectionsMax = 6

/** 0 where there is no /proc. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
