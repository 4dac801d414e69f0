/** Timer messages over kills: each that was acknowledged comes once, none before its time. */

import { RemotingConnection } from '../clients/remoting.ts'
import { untilLost } from '../support/connect.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { pullFrom, sendOne } from './remoting-load.ts'

/** How far away a timer is set: some are due before the kill, some after the next start. */
const delayMsMax = 3000
/** For the last of them to be due and delivered. */
const deliveredMsMax = 30_000

/** Timers in flight. */
const lanes = 4

interface Timer {
  readonly dueMs: number
  isAcknowledged: boolean
}

interface Delivered {
  readonly name: string
  readonly storedMs: number
}

/** What a correct server cannot have delivered, of timers by their names. */
export function timerFaults(
  timers: ReadonlyMap<string, Timer>,
  delivered: readonly Delivered[]
): string[] {
  const wrong: string[] = []
  const names = new Set<string>()
  for (const { name, storedMs } of delivered) {
    const timer = timers.get(name)
    if (timer === undefined) wrong.push(`${name} was never sent`)
    else if (storedMs < timer.dueMs) wrong.push(`${name} came ${timer.dueMs - storedMs} ms early`)
    if (names.has(name)) wrong.push(`${name} came twice`)
    names.add(name)
  }
  for (const [name, { isAcknowledged }] of timers) {
    if (isAcknowledged && !names.has(name)) wrong.push(`${name} was acknowledged and never came`)
  }
  return wrong
}

export class RemotingTimers {
  readonly topic: string
  readonly #random: SeededRandom
  readonly #timers = new Map<string, Timer>()

  constructor(topic: string, random: SeededRandom) {
    this.topic = topic
    this.#random = random
  }

  get acknowledged(): number {
    return [...this.#timers.values()].filter(({ isAcknowledged }) => isAcknowledged).length
  }

  run(address: string): Promise<void> {
    return untilLost(
      () => RemotingConnection.open(address),
      async (connection) => {
        const lane = async (): Promise<void> => {
          for (;;) await this.#send(connection)
        }
        await Promise.all(Array.from({ length: lanes }, lane))
      }
    )
  }

  async #send(connection: RemotingConnection): Promise<void> {
    const name = `timer ${this.#timers.size}`
    const dueMs = Date.now() + this.#random.integer(delayMsMax)
    const timer: Timer = { dueMs, isAcknowledged: false }
    this.#timers.set(name, timer)
    const properties = `TIMER_DELIVER_MS\u0001${dueMs}\u0002`
    await sendOne(connection, this.topic, 0, Buffer.from(name), properties)
    timer.isAcknowledged = true
  }

  /** What is wrong with what was delivered, once all that was acknowledged is there or no more comes. */
  async violations(connection: RemotingConnection): Promise<string[]> {
    const seen: Delivered[] = []
    const deadlineMs = Date.now() + deliveredMsMax
    const isMissing = () => {
      const names = new Set(seen.map(({ name }) => name))
      return [...this.#timers].some(([name, one]) => one.isAcknowledged && !names.has(name))
    }
    while (isMissing() && Date.now() < deadlineMs) {
      seen.push(...(await this.#more(connection, seen.length)))
    }
    // What comes a second time would come about now.
    seen.push(...(await this.#more(connection, seen.length)))
    return timerFaults(this.#timers, seen)
  }

  async #more(connection: RemotingConnection, from: number): Promise<Delivered[]> {
    const pulled = await pullFrom(connection, 'crash-timers', this.topic, 0, from)
    return pulled.map(({ message, place }) => ({
      name: message.body.toString(),
      storedMs: place.storeTimestampMs
    }))
  }
}
