/** Randomness that can be had again: `SEED=123 node dist/test/....test.js` repeats a run. */
import type { Random } from '../../storage/ports.ts'

/** From the environment, else a new one each run. */
export const seedOfRun: number = seedFromEnvironment()

function seedFromEnvironment(): number {
  const text = process.env.SEED
  if (text === undefined) return Math.floor(Math.random() * 2 ** 32)
  const seed = Number(text)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`SEED=${text} is no seed`)
  return seed
}

interface Reporter {
  passing(): boolean
  comment(text: string): void
  teardown(done: () => void): void
}

/** Tests that print the seed already. */
const told = new WeakSet<Reporter>()

/** A generator from the run's seed, which is printed if the test fails. */
export function seededRandom(t: Reporter, seed = seedOfRun): SeededRandom {
  if (!told.has(t)) {
    told.add(t)
    t.teardown(() => {
      if (!t.passing()) t.comment(`to repeat: SEED=${seed}`)
    })
  }
  return new SeededRandom(seed)
}

/** sfc32 (PractRand); not for secrets. */
export class SeededRandom implements Random {
  readonly seed: number
  #a: number
  #b: number
  #c = 1
  #counter = 1

  constructor(seed: number) {
    this.seed = seed
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    for (let i = 0; i < 15; i++) this.word()
  }

  /** 32 random bits, 0 to 2^32 - 1. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** 0 to below 1. */
  fraction(): number {
    return this.word() / 2 ** 32
  }

  /** 0 to `below` - 1. */
  integer(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  /** `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + this.integer(to - from + 1)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of `list`, which is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(list.length)] as T
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    for (let i = 0; i < count; i++) bytes[i] = this.word() >>> 24
    return bytes
  }

  uuid(): Buffer {
    const bytes = this.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes
  }

  /** An independent generator, so that one part's use does not shift another's numbers. */
  fork(): SeededRandom {
    return new SeededRandom(this.word() * 2 ** 20 + (this.word() >>> 12))
  }
}
