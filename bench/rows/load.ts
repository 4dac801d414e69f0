import { fileURLToPath } from 'node:url'
import type { LoadResult } from '../load/measure.ts'
import { makeTopic, output } from './program.ts'
import type { BenchRow } from './row.ts'

const program = fileURLToPath(new URL('../load.js', import.meta.url))
const partitions = 16

async function load(
  job: 'produce' | 'fetch',
  bootstrap: string,
  pid: number,
  seconds: number,
  warmSeconds: number
): Promise<LoadResult> {
  const words = [program, job, '--to', bootstrap, '--topic', 'load', '--pid', String(pid)]
  const times = ['--seconds', String(seconds), '--warm', String(warmSeconds)]
  const line = await output(process.execPath, [
    ...words,
    ...times,
    '--partitions',
    String(partitions)
  ])
  return JSON.parse(line) as LoadResult
}

/** The servers' own limits: a client that costs nothing. */
export const loadRow: BenchRow = {
  name: 'load',
  started: true,
  async measure(c, o, results) {
    await makeTopic(o.tools, c.bootstrap, 'load', partitions)
    for (const job of ['produce', 'fetch'] as const) {
      const warmSeconds = job === 'produce' ? 3 : 1
      const r = await load(job, c.bootstrap, c.pid, o.seconds, warmSeconds)
      const add = (name: string, unit: string, more: boolean, value: number): void =>
        results.add(`load ${job}: ${name}`, unit, more, c.name, value)
      add('throughput', 'MB/s', true, r.megabytesPerSecond)
      add('server CPU', 's/GB', false, r.serverSecondsPerGigabyte ?? Number.NaN)
      add('latency, median', 'ms', false, r.p50Ms)
      add('latency, 99%', 'ms', false, r.p99Ms)
    }
  }
}
