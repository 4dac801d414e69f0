// Seeded runs of a whole server on a disk that fails. `SEED=n RUNS=1` repeats one of them, as far as sockets allow.
import t from 'tap'
import { seedOfRun } from '../support/seeded-random.ts'
import { manyRuns } from '../support/seeded-runs.ts'
import { ServerRun, type ServerRunOptions, type ServerRunReport } from './server-run.ts'

const runs = Number(process.env.RUNS ?? 6)
/** From so many runs on there is enough in them for figures to say so. */
const enoughRuns = 6
t.setTimeout(300_000 + runs * 20_000)
t.comment(`SEED=${seedOfRun} RUNS=${runs}`)

async function total(options: ServerRunOptions): Promise<ServerRunReport> {
  const startedMs = performance.now()
  const report = await manyRuns((seed) => new ServerRun(seed, options).run(), runs)
  const perMinute = Math.round((report.lives * 60_000) / (performance.now() - startedMs))
  t.comment(`${JSON.stringify(report)}, ${perMinute} lives a minute`)
  return report
}

t.test(
  'sync: what clients of both protocols were told holds, whatever the disk does',
  async (t) => {
    const report = await total({ flushMode: 'sync' })
    const { acknowledged, given, toldEnds, timers, disowned, compactions } = report
    t.equal(disowned, 0)
    if (runs < enoughRuns) return
    t.ok(acknowledged > 5 * runs && given > 5 * runs, 'clients got far')
    t.ok(toldEnds > runs && timers > runs, 'those that ask, and those that delay, too')
    t.ok(compactions > 0, 'there was much to compact')
  }
)

t.test('async: what was fsynced, or shown to anybody, holds', async (t) => {
  const { acknowledged, given } = await total({ flushMode: 'async' })
  if (runs >= enoughRuns) t.ok(acknowledged > 5 * runs && given > 5 * runs, 'clients got far')
  else t.pass()
})

t.test('bits that rot are reported, and never served', async (t) => {
  const { flips, given } = await total({ flushMode: 'sync', rots: 'seen' })
  if (runs >= enoughRuns) t.ok(flips > runs && given > 5 * runs, 'there was much to rot')
  else t.pass()
})
