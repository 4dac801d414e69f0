import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { checkStore, realFileSystem } from '../../storage/index.ts'
import { quietPort } from '../support/quiet-port.ts'

/** The server under test. */
export interface TestServer {
  /** HOST:PORT; the same after a restart. */
  bootstrap: string
  /** Ends the process with this signal and starts it again on its folder and port; absent where it is not ours. */
  restart?(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** The process id, where it is ours. */
  pid?(): number
  close(): Promise<void>
}

/** Longest a start may take, recovery included. */
const readyTimeoutMs = 30_000
/** The promise of a clean stop is 5 s; CI machines are slow. */
const stopTimeoutMs = 10_000
const logBytesMax = 64 * 1024
/** What `isthmus` is, as a file for Node. */
export const command = fileURLToPath(new URL('../../src/isthmus.cjs', import.meta.url))

/** The broker named by ISTHMUS_TEST_BOOTSTRAP, else a server of our own, as a user starts it, on a temporary folder. */
export async function openServer(options: readonly string[] = []): Promise<TestServer> {
  const given = process.env.ISTHMUS_TEST_BOOTSTRAP
  if (given) return { bootstrap: given, close: async () => undefined }
  return await startIsthmus(options)
}

/** Starts the built server as a child process. */
export async function startIsthmus(options: readonly string[] = []): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-test-'))
  const server = new OwnServer(folder, options)
  try {
    await server.start(await quietPort())
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

/** Its ports are the same from its first start to its last. */
export class OwnServer implements TestServer {
  readonly folder: string
  bootstrap = ''
  /** Every listener's HOST:PORT, by its name in `ready`. */
  addresses: Readonly<Record<string, string>> = {}
  /** Further words of the command line, from the next start on. */
  options: readonly string[]
  /** Node's own options, from the next start on. */
  nodeOptions: readonly string[] = []
  /** Of its environment, beside this process's own, from the next start on. */
  variables: Readonly<Record<string, string>> = {}
  /** Told everything that the server says; `log` forgets what is long ago. */
  heard: (text: string) => void = () => {}
  #process: ChildProcess | undefined
  #ended: Promise<number | string> = Promise.resolve(0)
  #log = ''

  constructor(folder: string, options: readonly string[]) {
    this.folder = folder
    this.options = options
  }

  /** What the server said last. */
  get log(): string {
    return this.#log
  }

  pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Exit code, or the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended
  }

  async start(kafkaPort: number): Promise<void> {
    const words = ['serve', '--data', join(this.folder, 'data'), '--kafka-port', String(kafkaPort)]
    const ports = ['--http-port', '0']
    for (const listener of ['namesrv', 'broker']) {
      const address = this.addresses[listener]
      const port = address === undefined ? await quietPort() : portOf(address)
      ports.push(`--${listener}-port`, String(port))
    }
    const all = [...this.nodeOptions, command, ...words, ...ports, ...this.options]
    const child = spawn(process.execPath, all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.variables }
    })
    this.#process = child
    this.#ended = new Promise((resolve) =>
      child.on('close', (code, signal) => resolve(signal ?? code ?? 0))
    )
    const { stdout, stderr } = child
    if (!stdout || !stderr) throw new Error('a server without pipes')
    stderr.setEncoding('utf8').on('data', (text: string) => this.#note(text))
    const ready = await new Promise<{ addresses: Record<string, string> }>((resolve, reject) => {
      const give = (why: string): void => reject(new Error(`the server ${why}\n${this.#log}`))
      const timer = setTimeout(() => give('was not ready in time'), readyTimeoutMs)
      void this.#ended.then((code) => {
        clearTimeout(timer)
        give(`ended with ${code}`)
      })
      createInterface({ input: stdout }).on('line', (line) => {
        this.#note(`${line}\n`)
        if (!line.includes('"ready"')) return
        const told = JSON.parse(line) as { event: string; addresses: Record<string, string> }
        if (told.event !== 'ready') return
        clearTimeout(timer)
        resolve(told)
      })
    })
    this.addresses = ready.addresses
    const address = ready.addresses.kafka
    if (!address) throw new Error(`no kafka address is ready\n${this.#log}`)
    this.bootstrap = address
  }

  /** The port it was bound to last, to be given to the next start. */
  get port(): number {
    return portOf(this.bootstrap)
  }

  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.stop(signal)
    await this.start(this.port)
  }

  /** Ends the process; rejects if a SIGTERM was not obeyed in time, or with a bad exit code. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child) return
    this.#process = undefined
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    const ended = await this.#ended
    clearTimeout(timer)
    if (signal === 'SIGTERM' && ended !== 0) {
      throw new Error(`the server did not stop cleanly: ${ended}\n${this.#log}`)
    }
  }

  /** Stops it and removes its folder; rejects if the store it leaves is not sound. */
  async close(): Promise<void> {
    try {
      if (this.#process) {
        await this.stop('SIGTERM')
        await this.check()
      }
    } finally {
      await rm(this.folder, { recursive: true, force: true })
    }
  }

  /** After a clean stop: rejects unless every byte of the store is as it must be. */
  async check(): Promise<void> {
    const { problems, torn } = await checkStore(realFileSystem, join(this.folder, 'data'))
    if (problems.length === 0 && !torn) return
    throw new Error(`the store is not sound: ${JSON.stringify({ problems, torn })}`)
  }

  #note(text: string): void {
    this.heard(text)
    this.#log = (this.#log + text).slice(-logBytesMax)
  }
}
