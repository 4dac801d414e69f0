/** Ten thousand queues: what they cost to make, to write to, to be told of, to read and to start with. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { askForAll, makeTopics, produceToAll, queuesOf, readAll } from '../scale/queues.ts'
import { measureTail } from '../scale/tail-latency.ts'
import { median } from '../table.ts'
import type { BenchRow } from './row.ts'
import { memoryOf } from './start.ts'

const topicCount = 1000
const queuesEach = 10
const readersProgram = fileURLToPath(new URL('../scale/cold-readers.js', import.meta.url))
const readersWords = [String(topicCount), String(queuesEach)]
const settleMs = 3000
/** Asked for all topics so often. */
const asksForAll = 9

const load = { connections: 4, inFlight: 5, queuesPerRequest: 100, bytes: 1024 }

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs))
}

export const scaleQueuesRow: BenchRow = {
  name: 'scale-queues',
  started: false,
  ownClient: true,
  async measure(c, o, results) {
    const add = (name: string, unit: string, more: boolean, value: number): void =>
      results.add(`10,000 queues: ${name}`, unit, more, c.name, value)
    const memory = (when: string): void =>
      add(`memory, ${when}`, 'MB', false, memoryOf(c.pid, 'VmRSS'))
    const queues = queuesOf(topicCount, queuesEach)
    await c.start('an empty folder')
    let began = performance.now()
    await makeTopics(c.bootstrap, queues)
    add('made', 's', false, (performance.now() - began) / 1000)
    await settle()
    memory('made, idle')
    const asks: number[] = []
    for (let i = 0; i < asksForAll; i++) asks.push((await askForAll(c.bootstrap)).ms)
    add('metadata of all topics', 'ms', false, median(asks))

    const until = { seconds: o.seconds }
    const sent = await produceToAll(c.bootstrap, queues, { ...load, until, pid: c.pid })
    add('produce to all: records', '/s', true, sent.recordsPerSecond)
    add('produce to all: latency, median', 'ms', false, sent.p50Ms)
    add('produce to all: latency, 99%', 'ms', false, sent.p99Ms)
    add('produce to all: slowest', 'ms', false, sent.maxMs)
    add(
      'produce to all: server CPU',
      's/10^6 records',
      false,
      ((sent.serverCores ?? 0) / sent.recordsPerSecond) * 1e6
    )
    memory('written to')

    const one = await readAll(c.bootstrap, { topics: ['scale-500'], each: 1 })
    add('one queue read from its beginning', 'ms', false, one.ms)
    const all = await readAll(c.bootstrap, queues)
    add('one consumer catching up on all', 'MB/s', true, all.bytes / all.ms / 1000)
    add('one consumer catching up on all: slowest answer', 'ms', false, all.maxMs)
    memory('read from')
    const readers = spawn(process.execPath, [readersProgram, c.bootstrap, ...readersWords])
    try {
      const ms = o.seconds * 1000
      const tail = { topic: 'tail', rate: 500, bytes: 1024, warmMs: 2000, ms }
      await makeTopics(c.bootstrap, { topics: ['tail'], each: 1 })
      const { endToEnd } = await measureTail(c.bootstrap, tail)
      add('500/s beside a consumer of all: consumed, median', 'ms', false, endToEnd.p50)
      add('500/s beside a consumer of all: consumed, 99%', 'ms', false, endToEnd.p99)
    } finally {
      readers.kill()
    }

    began = performance.now()
    await c.stop()
    add('stop', 'ms', false, performance.now() - began)
    began = performance.now()
    await c.start('its folder')
    add('start', 'ms', false, performance.now() - began)
    await settle()
    memory('started, idle')
    await c.stop()
  }
}
