/** The machine's own clock and randomness. */
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from './ports.ts'

/** Longer delays overflow Node's timers, which would fire at once. */
const timerMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    let timer: NodeJS.Timeout
    const start = (leftMs: number) => {
      const ms = Math.min(leftMs, timerMsMax)
      timer = setTimeout(() => (leftMs > ms ? start(leftMs - ms) : fire()), ms)
      timer.unref()
    }
    start(delayMs)
    return { cancel: () => clearTimeout(timer) }
  }
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  uuid() {
    const bytes = randomBytes(16)
    // RFC 9562: version 4, variant 10.
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes
  }
}
