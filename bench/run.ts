/*
 * Isthmus against Apache Kafka, one machine, one run: `npm run bench -- [OPTIONS]`. docs/benchmarks.md says what the rows mean.
 *
 *   --rounds 3  --seconds 6  --rows load,perf,latency,start  --contestants isthmus,kafka  --folder DIR  --profile DIR
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installApacheTools } from '../test/clients/install.ts'
import { type Contestant, makeContestant } from './contestants.ts'
import { loadRow } from './rows/load.ts'
import { latencyRow, producerAndConsumerRow } from './rows/perf-tools.ts'
import type { BenchOptions, BenchRow } from './rows/row.ts'
import { scaleQueuesRow } from './rows/scale-queues.ts'
import { scaleRestartRow } from './rows/scale-restart.ts'
import { scaleTailRow } from './rows/scale-tail.ts'
import { memoryOf, startRow } from './rows/start.ts'
import { markdown, Results } from './table.ts'

const defaultRows: readonly BenchRow[] = [loadRow, producerAndConsumerRow, latencyRow, startRow]
/** By their names only: they take long. */
const scaleRows: readonly BenchRow[] = [scaleQueuesRow, scaleRestartRow, scaleTailRow]
const allRows: readonly BenchRow[] = [...defaultRows, ...scaleRows]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    rows: { type: 'string', default: defaultRows.map(({ name }) => name).join() },
    contestants: { type: 'string', default: 'isthmus,kafka' },
    folder: { type: 'string' },
    profile: { type: 'string' }
  }
})

const names = values.contestants.split(',')
const rows = values.rows.split(',').flatMap((name) => {
  if (name === 'scale') return scaleRows
  const row = allRows.find((one) => one.name === name)
  if (!row) throw new Error(`no row ${name}: there are ${allRows.map((one) => one.name).join()}`)
  return row
})
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'isthmus-bench-')))
const results = new Results()
const options: BenchOptions = {
  seconds: Number(values.seconds),
  tools: rows.every(({ ownClient }) => ownClient === true) ? '' : await installApacheTools()
}

const note = (text: string): void => void process.stderr.write(`${text}\n`)

async function measure(row: BenchRow, contestant: Contestant): Promise<void> {
  // One contestant's dirty pages must not be written out on the other's time.
  execFileSync('sync')
  if (row.started) await contestant.start('an empty folder')
  try {
    await row.measure(contestant, options, results)
    if (row.started) {
      const peak = memoryOf(contestant.pid, 'VmHWM')
      results.add(`memory, most during ${row.name}`, 'MB', false, contestant.name, peak)
    }
  } finally {
    await contestant.stop()
  }
}

try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const row of rows) {
      // Who goes first takes turns.
      const order = round % 2 === 0 ? names : [...names].reverse()
      for (const name of order) {
        note(`round ${round + 1}: ${row.name}, ${name}`)
        await measure(row, makeContestant(name, { folder, profile: values.profile }))
      }
    }
  }
} finally {
  if (!values.folder) await rm(folder, { recursive: true, force: true })
}
const machine = `${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}`
process.stdout.write(`${values.rounds} rounds of ${values.seconds} s; ${machine}\n\n`)
process.stdout.write(`${markdown(results, names)}\n`)
