/*
 * A real RocketMQ 5.3.3, name server and one broker in a process each, to compare with, on loopback. As a program it
 * runs until it is interrupted: `node dist/bench/peers/rocketmq.js [FOLDER [sync|async]]`, and prints the name server's
 * address.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getRouteinfoByTopicRequest } from '../../gateway/rocketmq/headers/get-routeinfo-by-topic.ts'
import { autoCreateTopic } from '../../gateway/rocketmq/known-topics.ts'
import { installRocketmqServer } from '../../test/clients/install.ts'
import { RemotingConnection } from '../../test/clients/remoting.ts'
import { accepts, freePort } from './ports.ts'

const openTimeoutMs = 90_000
/** A broker writes down where it is; a stop that takes longer is cut short. */
const stopTimeoutMs = 20_000
const lookEveryMs = 20
const opened = ['java.base/java.nio', 'java.base/sun.nio.ch', 'java.base/java.lang']

/** When a broker acknowledges: after the fsync, or after the write (its default). */
export type FlushMode = 'sync' | 'async'

interface Started {
  readonly process: ChildProcess
  readonly ended: Promise<void>
  readonly log: string
}

export class RocketmqPeer {
  namesrv = ''
  readonly #folder: string
  readonly #flush: FlushMode
  readonly #processes: Started[] = []
  #broker: ChildProcess | undefined
  #classPath = ''

  constructor(folder: string, flush: FlushMode) {
    this.#folder = folder
    this.#flush = flush
  }

  /** The broker's. */
  get pid(): number {
    return this.#broker?.pid ?? 0
  }

  /** Empties its folder, and starts both; resolves once producers can make topics. */
  async start(): Promise<void> {
    this.#classPath = await installRocketmqServer()
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(join(this.#folder, 'conf'), { recursive: true })
    const [namesrvPort, brokerPort] = [await freePort(), await freePort()]
    this.namesrv = `127.0.0.1:${namesrvPort}`
    const namesrv = await this.#settings('namesrv', { listenPort: namesrvPort })
    const broker = await this.#settings('broker', {
      brokerClusterName: 'DefaultCluster',
      brokerName: 'broker-a',
      brokerId: 0,
      brokerIP1: '127.0.0.1',
      listenPort: brokerPort,
      namesrvAddr: this.namesrv,
      storePathRootDir: join(this.#folder, 'store'),
      flushDiskType: this.#flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
    })
    const heap = ['-Xms256m', '-Xmx256m']
    const main = 'org.apache.rocketmq.namesrv.NamesrvStartup'
    await this.#open(this.#spawn('namesrv', heap, [main, '-c', namesrv]), this.namesrv)
    const memory = ['-Xms1g', '-Xmx1g', '-XX:MaxDirectMemorySize=2g']
    const words = ['org.apache.rocketmq.broker.BrokerStartup', '-c', broker]
    const started = this.#spawn('broker', memory, words)
    this.#broker = started.process
    await this.#open(started, `127.0.0.1:${brokerPort}`)
    await this.#registered(started)
  }

  async stop(): Promise<void> {
    for (const { process, ended } of this.#processes.splice(0).reverse()) {
      process.kill('SIGTERM')
      const timer = setTimeout(() => process.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(timer)
    }
    this.#broker = undefined
  }

  async #settings(name: string, settings: Readonly<Record<string, unknown>>): Promise<string> {
    const file = join(this.#folder, 'conf', `${name}.conf`)
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
    await writeFile(file, lines.join(''))
    return file
  }

  #spawn(name: string, memory: readonly string[], words: readonly string[]): Started {
    const log = join(this.#folder, `${name}.log`)
    const output = openSync(log, 'a')
    const opens = opened.map((packages) => `--add-opens=${packages}=ALL-UNNAMED`)
    const exports = '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED'
    const home = `-Duser.home=${this.#folder}`
    const jvm = [...memory, ...opens, exports, home, '-cp', this.#classPath]
    const child = spawn('java', [...jvm, ...words], {
      stdio: ['ignore', output, output],
      env: { ...process.env, ROCKETMQ_HOME: this.#folder }
    })
    closeSync(output)
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
    const started = { process: child, ended, log }
    this.#processes.push(started)
    return started
  }

  async #open(started: Started, address: string): Promise<void> {
    await this.#until(started, () => accepts(address))
  }

  /** The broker tells the name server of itself after it listens. */
  async #registered(started: Started): Promise<void> {
    const namesrv = await RemotingConnection.open(this.namesrv)
    const topic = autoCreateTopic
    const isThere = async () =>
      (await namesrv.ask(getRouteinfoByTopicRequest, { topic })).code === 0
    try {
      await this.#until(started, isThere)
    } finally {
      namesrv.close()
    }
  }

  async #until({ process, log }: Started, is: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + openTimeoutMs
    while (!(await is())) {
      if (process.exitCode !== null || performance.now() > until) {
        const said = await readFile(log, 'utf8')
        throw new Error(`RocketMQ did not start\n${said.slice(-4000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'isthmus-peer-')))
  const peer = new RocketmqPeer(folder, process.argv[3] === 'sync' ? 'sync' : 'async')
  await peer.start()
  process.stdout.write(`${peer.namesrv} (broker's pid ${peer.pid}, ${folder})\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void peer.stop())
}
