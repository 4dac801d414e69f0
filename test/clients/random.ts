/** A small seeded generator (mulberry32), so that a failed run can be repeated from the seed it printed. */
export interface SeededRandom {
  readonly seed: number
  /** A whole number in [0, below). */
  below(below: number): number
  bytes(count: number): Buffer
  pick<T>(of: readonly T[]): T
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit)
  return {
    seed,
    below,
    bytes(count) {
      const words = new Uint32Array(Math.ceil(count / 4))
      for (let i = 0; i < words.length; i++) words[i] = next()
      return Buffer.from(words.buffer, 0, count)
    },
    pick(of) {
      if (of.length === 0) throw new Error('nothing to pick from')
      return of[below(of.length)] as (typeof of)[number]
    }
  }
}

/** The seed given as SEED in the environment, else one from the clock. */
export function chooseSeed(): number {
  return process.env.SEED ? Number(process.env.SEED) : Date.now() % 0x1_0000_0000
}
