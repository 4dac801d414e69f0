/** Inputs made worse, again and again, and a claim that must hold for each of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHexText } from '../support/capture.ts'
import { mutatedBytes, spliced } from '../support/mutation.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { Watchdog } from './watchdog.ts'

export interface FuzzTarget {
  readonly name: string
  /** What holds for every input, whatever is in it. */
  readonly claim: string
  /** Inputs that make sense, of which others are made. */
  seeds(): readonly Buffer[] | Promise<readonly Buffer[]>
  /** Puts lengths and checksums right, so that what lies behind them is reached too. */
  mend?(input: Buffer, random: SeededRandom): Buffer
  /** Whether the input was taken, or refused in a declared way. Throws where the claim does not hold. */
  check(input: Buffer): boolean | Promise<boolean>
}

export interface FuzzFailure {
  /** The case's own: a run of one case with it does the same again. Undefined for a kept input. */
  readonly seed: number | undefined
  readonly error: Error
  readonly input: Buffer
}

export interface FuzzReport {
  readonly cases: number
  readonly taken: number
  readonly failure: FuzzFailure | undefined
}

export interface FuzzOptions {
  /** Of the first case; the next one's is one more. */
  readonly seed: number
  /** Whether to go on after so many cases. */
  goOn(cases: number): boolean
  readonly watchdog: Watchdog
}

/** One case may use so much processor time, ms: an input of some kilobytes is a matter of microseconds. */
const caseCpuMsMax = 5000
/** One case may take so much memory, bytes: far above what the limits of the code allow a small input. */
const caseBytesMax = 256 * 1024 * 1024
const keptFolder = 'test/fixtures/fuzz'
const chances = { noise: 0.01, splice: 0.08, mend: 0.7 } as const
const noiseBytesMax = 300

/** Inputs of the past that found something: `NAME-what-it-was.hex`. */
export function keptInputs(target: FuzzTarget): Buffer[] {
  const names = readdirSync(keptFolder).filter((name) => name.startsWith(`${target.name}-`))
  return names.map((name) => parseHexText(readFileSync(join(keptFolder, name), 'utf8')))
}

/** Kept inputs first, then one case after the other until one fails. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  let cases = 0
  let taken = 0
  const run = async (input: Buffer, seed: number | undefined) => {
    options.watchdog.begin(seed ?? 0)
    const result = await tryInput(target, input)
    cases++
    if (result === true) taken++
    return result instanceof Error ? { seed, input, error: result } : undefined
  }
  for (const input of keptInputs(target)) {
    const failure = await run(input, undefined)
    if (failure !== undefined) return { cases, taken, failure }
  }
  const seeds = await target.seeds()
  for (let count = 0; options.goOn(count); count++) {
    const seed = options.seed + count
    const failure = await run(inputOf(target, seeds, seed), seed)
    if (failure === undefined) continue
    const input = await smaller(target, failure.input, failure.error)
    return { cases, taken, failure: { ...failure, input } }
  }
  options.watchdog.end()
  return { cases, taken, failure: undefined }
}

/** The input of a case: the same for the same seed, target and fixtures. */
function inputOf(target: FuzzTarget, seeds: readonly Buffer[], seed: number): Buffer {
  const random = new SeededRandom(seed)
  if (random.chance(chances.noise)) return random.bytes(random.integer(noiseBytesMax))
  const one = random.pick(seeds)
  const start = random.chance(chances.splice) ? spliced(one, random.pick(seeds), random) : one
  const mutated = mutatedBytes(start, random)
  return target.mend !== undefined && random.chance(chances.mend)
    ? target.mend(mutated, random)
    : mutated
}

async function tryInput(target: FuzzTarget, input: Buffer): Promise<boolean | Error> {
  const cpu = process.cpuUsage()
  const before = heldBytes()
  try {
    const isTaken = await target.check(input)
    const { user, system } = process.cpuUsage(cpu)
    const cpuMs = (user + system) / 1000
    if (cpuMs > caseCpuMsMax) return new Error(`it took ${cpuMs | 0} ms of processor time`)
    const grown = heldBytes() - before
    if (grown > caseBytesMax) return new Error(`it took ${grown} bytes of memory`)
    return isTaken
  } catch (error) {
    return error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
  }
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Tries spent on making a failing input smaller. */
const triesMax = 400

/** A smaller input that fails in the same way, where one is found. */
async function smaller(target: FuzzTarget, input: Buffer, error: Error): Promise<Buffer> {
  const way = wayOf(error)
  let best = input
  let tries = 0
  for (let part = best.length >> 1; part >= 1 && tries < triesMax; part >>= 1) {
    for (let at = 0; at + part <= best.length && tries < triesMax; tries++) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + part)])
      const result = await tryInput(target, shorter)
      if (result instanceof Error && wayOf(result) === way) best = shorter
      else at += part
    }
  }
  return best
}

/** What is the same of two errors of one cause: numbers and quotations differ. */
function wayOf({ name, message }: Error): string {
  const [line = ''] = message.split('\n')
  return `${name}: ${line.replaceAll(/['"`].*/g, '').replaceAll(/\d+/g, '0')}`
}
