/** RocketMQ's own client in a process of its own, one JSON line a command (java/RocketmqDriver.java). */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** One message to be sent; the body may be any bytes. */
export interface MessageToSend {
  readonly body: Buffer
  readonly tag?: string
  readonly keys?: string
  readonly properties?: Readonly<Record<string, string>>
  /** Absent: the client's choice. Of sync sends. */
  readonly queue?: number
}

export interface SendResult {
  readonly status: string
  readonly uniqueKey: string
  readonly offsetId: string
  readonly queue: number
  readonly offset: number
}

/** One message as the consumer was given it. */
export interface GivenMessage {
  readonly topic: string
  readonly queue: number
  readonly offset: number
  readonly uniqueKey: string
  readonly bornMs: number
  readonly body: Buffer
  readonly properties: Readonly<Record<string, string>>
}

export type SendHow = 'sync' | 'async' | 'oneway' | 'batch'

/** The class path of the driver, and a folder for what the client writes beside it. */
export interface RocketmqClient {
  readonly classPath: string
  readonly home: string
}

const answerTimeoutMs = 60_000
const endTimeoutMs = 3000
const troubleBytesMax = 16_384

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

export class RocketmqDriver {
  /** Everything that the consumer was given, in the order told. */
  readonly given: GivenMessage[] = []
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #wake: () => void = () => {}
  #trouble = ''
  #nextId = 1

  constructor({ classPath, home }: RocketmqClient, namesrv: string) {
    const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Duser.home=${home}`]
    const words = [...jvm, '-cp', classPath, 'RocketmqDriver', namesrv]
    this.#process = spawn('java', words, { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdin, stdout, stderr } = this.#process
    if (!stdin || !stdout || !stderr) throw new Error('a driver without pipes')
    stdin.on('error', () => undefined)
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#trouble = (this.#trouble + text).slice(-troubleBytesMax)
    })
    createInterface({ input: stdout }).on('line', (line) => this.#hear(line))
    this.#ended = new Promise((resolve) => {
      this.#process.on('close', () => {
        this.#fail('ended')
        resolve()
      })
    })
  }

  send(
    topic: string,
    messages: readonly MessageToSend[],
    how: SendHow = 'sync'
  ): Promise<SendResult[]> {
    const coded = messages.map((one) => ({ ...one, body: one.body.toString('base64') }))
    return this.#ask('send', { topic, how, messages: coded }) as Promise<SendResult[]>
  }

  /** Starts a push consumer, from the first message on where the group has no place yet. */
  async consume(group: string, topic: string, subscription = '*', orderly = false): Promise<void> {
    await this.#ask('consume', { group, topic, subscription, orderly })
  }

  /** Shuts the consumer down in order: it says where it is, and goodbye. */
  async stop(): Promise<void> {
    await this.#ask('stop', {})
  }

  async end(): Promise<void> {
    this.#process.stdin?.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), endTimeoutMs)
    await this.#ended
    clearTimeout(timer)
  }

  /** Resolves once `is` holds, looked at after each message; rejects in time. */
  async until(what: string, is: () => boolean, timeoutMs = 45_000): Promise<void> {
    if (is()) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const bodies = this.given.map(({ body }) => body.toString('latin1', 0, 20))
        reject(new Error(`waited in vain until ${what}: ${bodies}\n${this.#trouble}`))
      }, timeoutMs)
      this.#wake = () => {
        if (!is()) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #ask(verb: string, command: object): Promise<unknown> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`no answer to ${verb} in time\n${this.#trouble}`))
      }, answerTimeoutMs)
      const settle = () => clearTimeout(timer)
      this.#waiting.set(id, {
        resolve: (answer) => {
          settle()
          resolve(answer)
        },
        reject: (error) => {
          settle()
          reject(error)
        }
      })
      this.#process.stdin?.write(`${JSON.stringify({ id, do: verb, ...command })}\n`)
    })
  }

  #hear(line: string): void {
    const told = JSON.parse(line)
    if (told.event === 'message') {
      this.given.push({ ...told, body: Buffer.from(told.body, 'base64') })
      this.#wake()
      return
    }
    const waiting = this.#waiting.get(told.id)
    this.#waiting.delete(told.id)
    if (told.error !== undefined) waiting?.reject(new Error(told.error))
    else waiting?.resolve(told.ok)
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`the driver ${why}\n${this.#trouble}`))
    }
    this.#waiting.clear()
  }
}
