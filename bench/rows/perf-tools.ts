/** Apache Kafka's own performance tools. A JVM client needs a core or more of its own: read the ratios. */
import { makeTopic, tool } from './program.ts'
import type { BenchRow } from './row.ts'

const partitions = 4
const recordBytes = 1024
/** About 5 to 10 s on a small machine. */
const recordCount = 500_000
const latencyCount = 3000

function found(text: string, pattern: RegExp): number {
  const number = Number(pattern.exec(text)?.[1])
  if (!Number.isFinite(number)) throw new Error(`nothing like ${pattern} in:\n${text}`)
  return number
}

export const producerAndConsumerRow: BenchRow = {
  name: 'perf',
  started: true,
  async measure(c, o, results) {
    await makeTopic(o.tools, c.bootstrap, 'perf', partitions)
    const size = ['--num-records', String(recordCount), '--record-size', String(recordBytes)]
    const to = ['--throughput', '-1', '--producer-props', `bootstrap.servers=${c.bootstrap}`]
    const sent = await tool(o.tools, 'ProducerPerformance', ['--topic', 'perf', ...size, ...to])
    const last = sent.trim().split('\n').at(-1) ?? ''
    results.add('producer-perf', 'MiB/s', true, c.name, found(last, /\(([\d.]+) MB\/sec\)/))
    results.add('producer-perf: latency, 99%', 'ms', false, c.name, found(last, /([\d.]+) ms 99th/))

    const from = ['--bootstrap-server', c.bootstrap, '--topic', 'perf']
    const words = [...from, '--messages', String(recordCount), '--timeout', '30000']
    const read = await tool(o.tools, 'ConsumerPerformance', words)
    const columns = (read.trim().split('\n').at(-1) ?? '').split(',')
    const records = Number(columns[4])
    if (records < recordCount) throw new Error(`consumer-perf read ${records}\n${read}`)
    results.add('consumer-perf', 'MiB/s', true, c.name, Number(columns[3]))
    // Without the time to find and join the group.
    results.add('consumer-perf: fetching', 'MiB/s', true, c.name, Number(columns[8]))
  }
}

export const latencyRow: BenchRow = {
  name: 'latency',
  started: true,
  async measure(c, o, results) {
    await makeTopic(o.tools, c.bootstrap, 'latency', 1)
    const words = [c.bootstrap, 'latency', String(latencyCount), 'all', String(recordBytes)]
    const text = await tool(o.tools, 'EndToEndLatency', words)
    const add = (name: string, pattern: RegExp): void =>
      results.add(`e2e-latency, ${name}`, 'ms', false, c.name, found(text, pattern))
    add('average', /Avg latency: ([\d.]+) ms/)
    add('99%', /99th = ([\d.]+)/)
    add('99.9%', /99\.9th = ([\d.]+)/)
  }
}
