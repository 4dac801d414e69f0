/** Whether readers of old data disturb those at the end: latencies at a modest rate, alone and beside cold readers. */
import { fileURLToPath } from 'node:url'
import type { LoadResult } from '../load/measure.ts'
import { dropPageCache } from '../scale/page-cache.ts'
import { makeTopics } from '../scale/queues.ts'
import { measureTail } from '../scale/tail-latency.ts'
import { output } from './program.ts'
import type { BenchRow } from './row.ts'
import { memoryOf } from './start.ts'

const program = fileURLToPath(new URL('../load.js', import.meta.url))
const partitions = 16
const fillSeconds = 12
const load = { rate: 500, bytes: 1024, warmMs: 1000 }

async function runLoad(
  job: 'produce' | 'fetch',
  bootstrap: string,
  seconds: number
): Promise<LoadResult> {
  const words = ['--to', bootstrap, '--topic', 'cold', '--partitions', String(partitions)]
  const times = ['--seconds', String(seconds), '--warm', '1']
  return JSON.parse(await output(process.execPath, [program, job, ...words, ...times]))
}

export const scaleTailRow: BenchRow = {
  name: 'scale-tail',
  started: true,
  ownClient: true,
  async measure(c, o, results) {
    const ms = o.seconds * 1000
    await makeTopics(c.bootstrap, { topics: ['cold'], each: partitions })
    await makeTopics(c.bootstrap, { topics: ['alone', 'beside'], each: 1 })
    const measure = async (topic: string, when: string): Promise<void> => {
      const { ack, endToEnd } = await measureTail(c.bootstrap, { ...load, topic, ms })
      for (const [what, found] of [
        ['acknowledged', ack],
        ['consumed', endToEnd]
      ] as const) {
        results.add(`500/s, ${when}: ${what}, median`, 'ms', false, c.name, found.p50)
        results.add(`500/s, ${when}: ${what}, 99%`, 'ms', false, c.name, found.p99)
        results.add(`500/s, ${when}: ${what}, slowest`, 'ms', false, c.name, found.max)
      }
    }
    await runLoad('produce', c.bootstrap, fillSeconds)
    dropPageCache()
    await measure('alone', 'alone')
    const reading = runLoad('fetch', c.bootstrap, o.seconds)
    await measure('beside', 'beside cold readers')
    const read = await reading
    results.add('cold readers meanwhile', 'MB/s', true, c.name, read.megabytesPerSecond)
    results.add('memory while reading', 'MB', false, c.name, memoryOf(c.pid, 'VmRSS'))
  }
}
