import { createInterface } from 'node:readline'
import type { Commands, MemberEvent, Verb, WireBytes } from '../wire.ts'

/** A driver in Node: one function a verb. */
export type Verbs = {
  [V in Verb]: (ask: Commands[V]['ask']) => Promise<Commands[V]['answer']>
}

export const toBytes = (text: WireBytes): Buffer | null =>
  text === null ? null : Buffer.from(text, 'base64')
export const toText = (bytes: Buffer | null | undefined): WireBytes =>
  bytes ? bytes.toString('base64') : null

export function tell(line: MemberEvent | object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** The address that the runner put last on the command line. */
export function bootstrapAddress(): string {
  return process.argv.at(-1) ?? ''
}

/** Answers commands one after the other until the input ends. */
export async function serve(verbs: Partial<Verbs>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line) as { id: number; do: Verb }
    try {
      const verb = verbs[command.do] as ((ask: object) => Promise<object>) | undefined
      if (!verb) throw new Error(`this client cannot ${command.do}`)
      tell({ id: command.id, ok: await verb(command) })
    } catch (error) {
      process.stderr.write(`${command.do}: ${error instanceof Error ? error.stack : error}\n`)
      tell({ id: command.id, error: String(error) })
    }
  }
  process.exit(0)
}

export interface ArrivalQueue<T> {
  push(...items: T[]): void
  clear(): void
  /** All there is when `count` are there or the time is up. */
  take(count: number, timeoutMs: number): Promise<T[]>
}

/** What a client's callbacks brought and nobody asked for yet. */
export function arrivalQueue<T>(): ArrivalQueue<T> {
  let items: T[] = []
  let changed = (): void => undefined
  return {
    push(...more) {
      items.push(...more)
      changed()
    },
    clear() {
      items = []
    },
    take(count, timeoutMs) {
      return new Promise((resolve) => {
        const settle = (): void => {
          clearTimeout(timer)
          changed = () => undefined
          const taken = items
          items = []
          resolve(taken)
        }
        const timer = setTimeout(settle, timeoutMs)
        changed = () => {
          if (items.length >= count) settle()
        }
        changed()
      })
    }
  }
}
