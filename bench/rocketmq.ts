/*
 * Isthmus against Apache RocketMQ, one machine, one run, with RocketMQ's own Java client (rocketmq/Load.java):
 *
 *   node dist/bench/rocketmq.js [OPTIONS]
 *     --rounds 3  --seconds 6  --warm 4  --rows threads,one,batches,consume
 *     --contestants isthmus,rocketmq-sync,rocketmq  --folder DIR  --profile DIR
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installRocketmqServer } from '../test/clients/install.ts'
import { OwnServer } from '../test/clients/server.ts'
import { RocketmqPeer } from './peers/rocketmq.ts'
import { output } from './rows/program.ts'
import { memoryOf } from './rows/start.ts'
import { markdown, Results } from './table.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    warm: { type: 'string', default: '4' },
    rows: { type: 'string', default: 'threads,one,batches,consume' },
    contestants: { type: 'string', default: 'isthmus,rocketmq-sync,rocketmq' },
    folder: { type: 'string' },
    profile: { type: 'string' }
  }
})

/** Messages that are read in the row `consume`, of all the same: the client's first seconds are its slowest. */
const consumed = 300_000
const bodyBytes = 1024

interface Running {
  readonly namesrv: string
  readonly pid: number
  stop(): Promise<void>
}

interface Produced {
  readonly messagesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly sent: number
  readonly failed: number
}

const source = fileURLToPath(new URL('../../bench/rocketmq/Load.java', import.meta.url))
const classPath = await installRocketmqServer()
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'isthmus-bench-')))
const results = new Results()

/** On an empty folder. */
async function start(contestant: string): Promise<Running> {
  const home = join(folder, contestant)
  if (contestant === 'isthmus' || contestant === 'isthmus-async') {
    await rm(home, { recursive: true, force: true })
    await mkdir(home, { recursive: true })
    const flush = contestant === 'isthmus' ? 'sync' : 'async'
    const server = new OwnServer(home, ['--flush', flush])
    if (values.profile) server.nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
    await server.start(0)
    const namesrv = server.addresses.namesrv ?? ''
    return { namesrv, pid: server.pid(), stop: () => server.stop('SIGTERM') }
  }
  if (contestant !== 'rocketmq' && contestant !== 'rocketmq-sync') {
    throw new Error(`no contestant ${contestant}`)
  }
  const peer = new RocketmqPeer(home, contestant === 'rocketmq' ? 'async' : 'sync')
  await peer.start()
  return { namesrv: peer.namesrv, pid: peer.pid, stop: () => peer.stop() }
}

async function load(words: readonly (string | number)[]): Promise<unknown> {
  const jvm = ['-Xms512m', '-Xmx1g', `-Duser.home=${folder}`, '-cp', classPath, source]
  const text = await output('java', [...jvm, ...words.map(String)])
  return JSON.parse(text.trim().split('\n').at(-1) ?? '')
}

/** The server's CPU seconds so far, all threads. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function produce(
  name: string,
  contestant: string,
  running: Running,
  threads: number,
  batch: number
): Promise<number> {
  const before = cpuSecondsOf(running.pid)
  const times = [Number(values.seconds), Number(values.warm)]
  const words = ['produce', running.namesrv, 'bench', ...times, bodyBytes, threads, batch]
  const made = (await load(words)) as Produced
  if (made.sent === 0) throw new Error(`${contestant}: no send succeeded`)
  const cpu = ((cpuSecondsOf(running.pid) - before) / made.sent) * 1e6
  results.add(name, 'msg/s', true, contestant, made.messagesPerSecond)
  results.add(`${name}: latency, median`, 'ms', false, contestant, made.p50Ms)
  results.add(`${name}: latency, 99%`, 'ms', false, contestant, made.p99Ms)
  // A real broker refuses what waited for 200 ms.
  results.add(`${name}: sends refused`, 'of 100', false, contestant, refusedOf(made, batch))
  results.add(`${name}: server CPU`, 'µs a message', false, contestant, cpu)
  return made.sent
}

function refusedOf({ sent, failed }: Produced, batch: number): number {
  return (100 * failed) / (failed + sent / batch)
}

type Row = (contestant: string, running: Running) => Promise<unknown>

const rows: Readonly<Record<string, Row>> = {
  threads: (c, running) => produce('64 threads', c, running, 64, 1),
  one: (c, running) => produce('one thread', c, running, 1, 1),
  batches: (c, running) => produce('16 threads, batches of 32', c, running, 16, 32),
  consume: async (c, running) => {
    for (let sent = 0; sent < consumed; )
      sent += await produce('batches to be consumed', c, running, 16, 32)
    const read = (await load(['consume', running.namesrv, 'bench', consumed])) as Produced
    results.add('push consumer', 'msg/s', true, c, read.messagesPerSecond)
  }
}

async function measure(row: string, contestant: string): Promise<void> {
  // One contestant's dirty pages must not be written out on the other's time.
  execFileSync('sync')
  const running = await start(contestant)
  try {
    await rows[row]?.(contestant, running)
    const peak = memoryOf(running.pid, 'VmHWM')
    results.add(`memory, most during ${row}`, 'MB', false, contestant, peak)
  } finally {
    await running.stop()
  }
}

const names = values.contestants.split(',')
const chosen = values.rows.split(',')
for (const name of chosen) {
  if (!(name in rows)) throw new Error(`no row ${name}: there are ${Object.keys(rows).join()}`)
}
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const row of chosen) {
      // Who goes first takes turns.
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        process.stderr.write(`round ${round + 1}: ${row}, ${name}\n`)
        await measure(row, name)
      }
    }
  }
} finally {
  if (!values.folder) await rm(folder, { recursive: true, force: true })
}
const machine = `${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}`
process.stdout.write(`${values.rounds} rounds of ${values.seconds} s; ${machine}\n\n`)
process.stdout.write(`${markdown(results, names)}\n`)
