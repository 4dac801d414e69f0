/** Delayed messages over faults: each that was acknowledged comes once, none before its time. */
import { RemotingConnection } from '../clients/remoting.ts'
import { pullFrom, sendOne } from '../crash/remoting-load.ts'
import { timerFaults } from '../crash/remoting-timers.ts'
import { untilLost } from '../support/connect.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** By the server's clock, which the run moves. */
const delayMsMax = 2000
const lanes = 2

interface Delayed {
  readonly dueMs: number
  isAcknowledged: boolean
  isSettled: boolean
}

export class FaultTimers {
  readonly topic: string
  readonly #random: SeededRandom
  readonly #isSync: boolean
  readonly #timers = new Map<string, Delayed>()

  constructor(topic: string, random: SeededRandom, isSync: boolean) {
    this.topic = topic
    this.#random = random
    this.#isSync = isSync
  }

  get acknowledged(): number {
    return [...this.#timers.values()].filter(({ isAcknowledged }) => isAcknowledged).length
  }

  run(address: string, now: () => number): Promise<void> {
    return untilLost(
      () => RemotingConnection.open(address),
      async (connection) => {
        const lane = async (): Promise<void> => {
          for (;;) await this.#send(connection, now)
        }
        await Promise.all(Array.from({ length: lanes }, lane))
      }
    )
  }

  /** What was acknowledged is there, whatever the flush mode. */
  processKilled(): void {
    for (const timer of this.#timers.values()) if (timer.isAcknowledged) timer.isSettled = true
  }

  /** In the flush mode async an acknowledgement does not outlive the machine. */
  powerCut(): void {
    for (const timer of this.#timers.values())
      if (!timer.isSettled && !this.#isSync) timer.isAcknowledged = false
  }

  async #send(connection: RemotingConnection, now: () => number): Promise<void> {
    const name = `timer ${this.#timers.size}`
    const dueMs = now() + this.#random.integer(delayMsMax)
    const timer: Delayed = { dueMs, isAcknowledged: false, isSettled: false }
    this.#timers.set(name, timer)
    const properties = `TIMER_DELIVER_MS\u0001${dueMs}\u0002`
    await sendOne(connection, this.topic, 0, Buffer.from(name), properties)
    timer.isAcknowledged = true
  }

  /** What is wrong with what was delivered until `patience` ends. */
  async faults(connection: RemotingConnection, patience: () => boolean): Promise<string[]> {
    const seen: { name: string; storedMs: number }[] = []
    const isMissing = () => {
      const names = new Set(seen.map(({ name }) => name))
      return [...this.#timers].some(([name, one]) => one.isAcknowledged && !names.has(name))
    }
    do {
      const pulled = await pullFrom(connection, 'fault-timers', this.topic, 0, seen.length)
      for (const { message, place } of pulled)
        seen.push({ name: message.body.toString(), storedMs: place.storeTimestampMs })
      if (pulled.length > 0) continue
      if (!isMissing()) break
    } while (patience())
    return timerFaults(this.#timers, seen)
  }
}
