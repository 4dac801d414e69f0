/*
 * Each target with some inputs, and with those that found something in the past. SEED and RUNS in the
 * environment say which and how many; `npm run fuzz` goes on as long as it is told.
 */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { seedOfRun } from '../support/seeded-random.ts'
import { type FuzzTarget, fuzz } from './fuzz.ts'
import { fuzzTargets } from './targets.ts'
import { Watchdog } from './watchdog.ts'

/** Of a target's own inputs, as they are. */
const seedsTried = 10
const runs = Number(process.env.RUNS ?? 150)

t.setTimeout(120_000 + runs * 1000)
t.comment(`SEED=${seedOfRun} RUNS=${runs}`)

for (const target of fuzzTargets) {
  t.test(`${target.name}: ${target.claim}`, async (t) => {
    const watchdog = new Watchdog(target.name)
    const goOn = (cases: number) => cases < runs
    const { failure, ...counts } = await fuzz(target, { seed: seedOfRun, goOn, watchdog })
    await watchdog.stop()
    t.comment(`${counts.taken} of ${counts.cases} were taken`)
    const { seed, error, input } = failure ?? {}
    const again = `npm run fuzz -- --target ${target.name} --seed ${seed} --runs 1`
    t.equal(failure, undefined, `${again}\n${error?.stack}\n${input?.toString('hex')}`)
    const isMixed = counts.taken > 0 && counts.taken < counts.cases
    t.ok(runs < 1000 || isMixed, 'some are taken, some are not')
    let taken = 0
    const seeds = (await target.seeds()).slice(0, seedsTried)
    for (const one of seeds) if (await target.check(one)) taken++
    t.ok(taken > 0, 'what was not changed is taken')
  })
}

const odd: FuzzTarget = {
  name: 'odd',
  claim: 'no input has a 7 in it',
  seeds: () => [Buffer.from('0123456')],
  check: (input) => {
    if (input.includes('7')) throw new Error(`seven at ${input.indexOf('7')}`)
    return true
  }
}

t.test('a target whose claim does not hold is found out, by a small input', async (t) => {
  const watchdog = new Watchdog(odd.name)
  const goOn = (cases: number) => cases < 10_000
  const { failure } = await fuzz(odd, { seed: seedOfRun, goOn, watchdog })
  t.equal(failure?.input.toString(), '7')
  const seed = failure?.seed ?? -1
  const again = await fuzz(odd, { seed, goOn: (cases) => cases < 1, watchdog })
  t.equal(again.failure?.error.message, failure?.error.message, 'and again by its seed')
  await watchdog.stop()
})

t.test('every kept input is one of a target', async (t) => {
  const names = fuzzTargets.map(({ name }) => name)
  const lost = readdirSync('test/fixtures/fuzz').filter((file) => {
    return file.endsWith('.hex') && !names.some((name) => file.startsWith(`${name}-`))
  })
  t.same(lost, [])
})
