import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Commands, DriverLine, MemberEvent, OffsetOf, Verb, WireRecord } from './wire.ts'

/** How to start a client's driver; the bootstrap address is added as the last argument. */
export interface DriverCommand {
  program: string
  arguments: readonly string[]
  environment?: Record<string, string>
}

/** Longest wait for one answer. A client's own retries (30 s and more) must fit. */
const answerTimeoutMs = 60_000
/** How long a driver may take to end after its input did. */
const endTimeoutMs = 3000
/** How much of a driver's stderr is kept to be shown when it fails. */
const troubleBytesMax = 8192

interface Waiting {
  resolve(answer: object): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/** One client process: asks, and what its group member told. */
export class Driver {
  /** What the member owns now. */
  owned: number[] = []
  /** Every record that the member was ever given, in the order told. Members of a group may share one list. */
  given: WireRecord[] = []
  /** How many of them this member was given. */
  givenCount = 0
  /** The last commit that was acknowledged, by partition. Members of a group may share it. */
  acknowledged: OffsetOf = {}
  /** Records that were given though the commit of a later offset had been acknowledged. */
  readonly givenAfterCommit: WireRecord[] = []

  readonly #name: string
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #watchers = new Set<() => void>()
  readonly #ended: Promise<void>
  #trouble = ''
  #nextId = 1

  constructor(name: string, command: DriverCommand, bootstrap: string) {
    this.#name = name
    this.#process = spawn(command.program, [...command.arguments, bootstrap], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that a driver's own children die with it.
      detached: true,
      env: { ...process.env, ...command.environment }
    })
    const { stdin, stdout, stderr } = this.#process
    if (!stdin || !stdout || !stderr) throw new Error('a driver without pipes')
    stdin.on('error', () => undefined)
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#trouble = (this.#trouble + text).slice(-troubleBytesMax)
    })
    createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
      this.#hear(line)
    )
    this.#ended = new Promise((resolve) => {
      this.#process.on('error', (error) => this.#fail(`could not start: ${error.message}`))
      this.#process.on('close', (code, signal) => {
        this.#fail(`ended with ${signal ?? code}`)
        resolve()
      })
    })
  }

  /** Rejects with the client's own error, or when nothing came in time. */
  ask<V extends Verb>(verb: V, ask: Commands[V]['ask']): Promise<Commands[V]['answer']> {
    const id = this.#nextId++
    return new Promise<object>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`${this.#name}: no answer to ${verb} in time\n${this.#trouble}`))
      }, answerTimeoutMs)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#process.stdin?.write(`${JSON.stringify({ id, do: verb, ...ask })}\n`)
    }) as Promise<Commands[V]['answer']>
  }

  /** Calls `changed` after each line that the member told; returns how to stop that. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  get trouble(): string {
    return this.#trouble
  }

  /** SIGKILL: the client dies without a word to the server. */
  kill(): Promise<void> {
    this.#killAll()
    return this.#ended
  }

  /** Ends the input, on which a driver goes; kills it if it does not. */
  async end(): Promise<void> {
    this.#process.stdin?.end()
    const timer = setTimeout(() => this.#killAll(), endTimeoutMs)
    await this.#ended
    clearTimeout(timer)
  }

  #killAll(): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }

  #hear(line: string): void {
    let told: DriverLine
    try {
      told = JSON.parse(line) as DriverLine
    } catch {
      this.#trouble = `${this.#trouble}\nnot JSON: ${line}`.slice(-troubleBytesMax)
      return
    }
    if ('event' in told) {
      this.#note(told)
      for (const changed of this.#watchers) changed()
      return
    }
    const waiting = this.#waiting.get(told.id)
    if (!waiting) return
    this.#waiting.delete(told.id)
    clearTimeout(waiting.timer)
    if ('error' in told) waiting.reject(new Error(`${this.#name}: ${told.error}`))
    else waiting.resolve(told.ok)
  }

  #note(event: MemberEvent): void {
    if (event.event === 'assigned') this.owned = [...event.partitions].sort((a, b) => a - b)
    if (event.event === 'records') {
      this.givenCount += event.records.length
      for (const record of event.records) {
        this.given.push(record)
        const committed = this.acknowledged[record.partition] ?? 0
        if (record.offset < committed) this.givenAfterCommit.push(record)
      }
    }
    if (event.event === 'committed') Object.assign(this.acknowledged, event.offsets)
    if (event.event === 'trouble') this.#trouble += `\n${event.error}`
  }

  #fail(why: string): void {
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer)
      waiting.reject(new Error(`${this.#name} ${why}\n${this.#trouble}`))
    }
    this.#waiting.clear()
    for (const changed of this.#watchers) changed()
  }
}

/** Resolves when `is` holds, looked at after whatever the drivers told; rejects after `timeoutMs`. */
export function waitUntil(
  drivers: readonly Driver[],
  what: string,
  is: () => boolean,
  timeoutMs = 45_000
): Promise<void> {
  if (is()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      for (const stop of stops) stop()
      if (error) reject(error)
      else resolve()
    }
    const timer = setTimeout(() => {
      const state = drivers.map((d) => `owned ${d.owned}, given ${d.givenCount}\n${d.trouble}`)
      settle(new Error(`waited in vain until ${what}\n${state.join('\n')}`))
    }, timeoutMs)
    for (const driver of drivers) stops.push(driver.watch(() => is() && settle()))
  })
}
