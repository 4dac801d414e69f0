/*
 * `npm run fuzz -- --seconds N --seed S [--runs N] [--target NAME]`: one target after the other, each for N seconds (60
 * unless said otherwise), or for N runs. Ends with code 1 when a claim did not hold.
 */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hexText } from '../support/capture.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { type FuzzTarget, fuzz } from './fuzz.ts'
import { fuzzTargets } from './targets.ts'
import { Watchdog } from './watchdog.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(seedOfRun) },
    runs: { type: 'string' },
    target: { type: 'string', multiple: true }
  }
})

function numberOf(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new Error(`--${name} ${text} is no number`)
}

const seconds = numberOf('seconds', values.seconds)
const seed = numberOf('seed', values.seed)
const runs = values.runs === undefined ? undefined : numberOf('runs', values.runs)

function chosenTargets(): FuzzTarget[] {
  const wanted = values.target ?? fuzzTargets.map(({ name }) => name)
  return wanted.map((name) => {
    const found = fuzzTargets.find((one) => one.name === name)
    if (found !== undefined) return found
    throw new Error(`no target ${name}; there are ${fuzzTargets.map((one) => one.name).join(', ')}`)
  })
}

/** Returns whether the claim held. */
async function run(target: FuzzTarget): Promise<boolean> {
  const untilMs = performance.now() + seconds * 1000
  const goOn = (cases: number) => (runs === undefined ? performance.now() < untilMs : cases < runs)
  const watchdog = new Watchdog(target.name)
  const { cases, taken, failure } = await fuzz(target, { seed, goOn, watchdog })
  await watchdog.stop()
  console.log(`${target.name}: ${cases} inputs, ${taken} of them taken`)
  if (failure === undefined) return true
  const path = join(tmpdir(), `${target.name}-${failure.seed ?? 'kept'}.hex`)
  writeFileSync(
    path,
    hexText([`${target.name}: ${failure.error.message.split('\n')[0]}`], failure.input)
  )
  console.error(`not ok: --target ${target.name} --seed ${failure.seed} --runs 1; input: ${path}`)
  console.error(failure.error.stack)
  return false
}

console.log(`--seed ${seed}`)
for (const target of chosenTargets()) if (!(await run(target))) process.exitCode = 1
