import { readFileSync } from 'node:fs'
import type { Contestant } from '../contestants.ts'
import { output } from './program.ts'
import type { BenchRow } from './row.ts'

/** Single starts differ a lot: each round takes the best of so many. */
const starts = 3
/** After a start, until memory is looked at. */
const settleMs = 3000
const bytesPerKibibyte = 1024

export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1])
  return (kibibytes * bytesPerKibibyte) / 1e6
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function bestStart(c: Contestant, on: Parameters<Contestant['start']>[0]): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < starts; i++) {
    best = Math.min(best, await time(() => c.start(on)))
    await c.stop()
  }
  return best
}

/** From the process's start to its first listening, and what it weighs when idle. */
export const startRow: BenchRow = {
  name: 'start',
  started: false,
  async measure(c, _, results) {
    let bare = Number.POSITIVE_INFINITY
    for (let i = 0; i < starts; i++) {
      bare = Math.min(bare, await time(() => output(process.execPath, ['-e', '0'])))
    }
    await c.start('an empty folder')
    await c.stop()
    const again = await bestStart(c, 'its folder')
    results.add('start on a closed store', 'ms', false, c.name, again)
    results.add('the same / `node -e 0`', 'times', false, c.name, again / bare)
    await c.start('its folder')
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    results.add('memory, idle (RSS)', 'MB', false, c.name, memoryOf(c.pid, 'VmRSS'))
    await c.stop()
  }
}
