/*
 * A real Apache Kafka node (KRaft, one process) to compare with, on loopback. As a program it runs until it is
 * interrupted: `node dist/bench/peers/kafka.js [FOLDER]`, and prints its address.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installApacheTools } from '../../test/clients/install.ts'
import { accepts, freePort } from './ports.ts'

const run = promisify(execFile)
const openTimeoutMs = 60_000
const stopTimeoutMs = 15_000
const lookEveryMs = 5

export class KafkaPeer {
  bootstrap = ''
  readonly #folder: string
  readonly #heap: readonly string[]
  #classPath = ''
  #process: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(folder: string, heap: readonly string[] = ['-Xms1g', '-Xmx1g']) {
    this.#folder = folder
    this.#heap = heap
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Writes settings and formats an empty log; everything else at Kafka's defaults. */
  async format(): Promise<void> {
    this.#classPath = await installApacheTools()
    const [port, controllerPort] = [await freePort(), await freePort()]
    this.bootstrap = `127.0.0.1:${port}`
    const data = join(this.#folder, 'data')
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(data, { recursive: true })
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://${this.bootstrap},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://${this.bootstrap}`,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'log.dirs': data,
      'num.partitions': 4,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': 1,
      'share.coordinator.state.topic.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(this.#settingsFile, lines.join(''))
    const tool = ['-cp', this.#classPath, 'kafka.tools.StorageTool']
    const made = await run('java', [...tool, 'random-uuid'])
    const id = made.stdout.trim().split('\n').at(-1) ?? ''
    await run('java', [...tool, 'format', '-t', id, '-c', this.#settingsFile])
  }

  /** Resolves when its port accepts a connection. */
  async start(): Promise<void> {
    const log = openSync(join(this.#folder, 'server.log'), 'a')
    const words = [...this.#heap, '-cp', this.#classPath, 'kafka.Kafka', this.#settingsFile]
    const child = spawn('java', words, { stdio: ['ignore', log, log] })
    this.#process = child
    this.#ended = new Promise((resolve) => child.on('close', () => resolve()))
    const until = performance.now() + openTimeoutMs
    while (!(await accepts(this.bootstrap))) {
      if (child.exitCode !== null || performance.now() > until) {
        const said = await readFile(join(this.#folder, 'server.log'), 'utf8')
        throw new Error(`Kafka did not start\n${said.slice(-4000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child) return
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await this.#ended
    clearTimeout(timer)
  }

  get #settingsFile(): string {
    return join(this.#folder, 'server.properties')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'isthmus-peer-')))
  const peer = new KafkaPeer(folder, ['-Xms512m', '-Xmx1g'])
  await peer.format()
  await peer.start()
  process.stdout.write(`${peer.bootstrap} (pid ${peer.pid}, ${folder})\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void peer.stop())
}
