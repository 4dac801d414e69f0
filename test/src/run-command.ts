/** Runs the command as a process of its own, as an operator does. Every process ends with its test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { temporaryFolder } from './temporary-folder.ts'

const command = fileURLToPath(new URL('../../src/isthmus.cjs', import.meta.url))

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class RunningCommand {
  readonly child: ChildProcess
  readonly lines: LogLine[] = []
  readonly ended: Promise<Ended>
  /** Everything on standard output that was no JSON line. */
  text = ''
  errors = ''
  readonly #waiters = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.child = child
    if (child.stdout === null || child.stderr === null) throw new Error('the outputs must be pipes')
    createInterface(child.stdout).on('line', (line) => this.#take(line))
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString('utf8')
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      for (const wake of this.#waiters) wake()
      return { code, signal }
    })
  }

  /** The first line with this event; fails when the process ends without one. */
  async event(name: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find(({ event }) => event === name)
      if (line !== undefined) return line
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended without '${name}': ${this.errors}${JSON.stringify(this.lines)}`)
      }
      await new Promise<void>((resolve) => this.#waiters.add(resolve))
    }
  }

  /** Where a listener is bound, from the line `ready`. */
  async address(listener: string): Promise<{ host: string; port: number }> {
    const { addresses } = await this.event('ready')
    const text = (addresses as Record<string, string>)[listener] ?? ''
    const colon = text.lastIndexOf(':')
    return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
  }

  #take(line: string): void {
    if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
    else this.text += `${line}\n`
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}

/** Starts `isthmus` with `words`; the environment is this one's without any setting, and `variables`. */
export function runCommand(
  t: Test,
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {}
): RunningCommand {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ISTHMUS_|UV_THREAD)/.test(name))
  const env = { ...Object.fromEntries(kept), ...variables }
  const child = spawn(process.execPath, [command, ...words], {
    cwd: temporaryFolder(t),
    env,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const running = new RunningCommand(child)
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await running.ended
  })
  return running
}

/** Options that keep servers of several tests apart. */
export const anyPorts: readonly string[] = ['kafka', 'namesrv', 'broker', 'http'].flatMap(
  (name) => [`--${name}-port`, '0']
)
