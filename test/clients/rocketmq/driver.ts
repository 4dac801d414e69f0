/** A RocketMQ client in a process of its own, one JSON line a command (java/Driver.java, go/driver). */
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
  readonly delayLevel?: number
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
  /** The name that the consumer was started with, '' by default. */
  readonly consumer: string
  readonly topic: string
  readonly queue: number
  readonly offset: number
  readonly uniqueKey: string
  readonly bornMs: number
  readonly storedMs: number
  readonly reconsumeTimes: number
  /** When the listener had it, by the client's clock. */
  readonly givenMs: number
  readonly body: Buffer
  readonly properties: Readonly<Record<string, string>>
}

export type SendHow = 'sync' | 'async' | 'oneway' | 'batch'

/** A client under test. */
export interface RocketmqClient {
  readonly language: 'java' | 'go'
  /** The client's own, like 5.3.3. */
  readonly version: string
  /** Its driver; the name server's address comes as the last word. */
  readonly program: string
  readonly words: readonly string[]
  /** Where it runs: tools leave files in the working folder. */
  readonly folder: string
}

/** What a push consumer is started with; what is left out is as in Consumers.java. */
export interface ConsumeOptions {
  /** Tells consumers of one driver apart. */
  readonly name?: string
  readonly group: string
  readonly topic: string
  /** Tags; '*' if absent. */
  readonly subscription?: string
  /** An SQL92 filter in place of tags. */
  readonly sql?: string
  readonly orderly?: boolean
  readonly model?: 'CLUSTERING' | 'BROADCASTING'
  readonly from?:
    | 'CONSUME_FROM_FIRST_OFFSET'
    | 'CONSUME_FROM_LAST_OFFSET'
    | 'CONSUME_FROM_TIMESTAMP'
  /** YYYYMMDDhhmmss, local time. */
  readonly timestamp?: string
  /** The client's id is made of it. */
  readonly instance?: string
  /** The broker says which queues a member has; Java 5 only. */
  readonly brokerDivides?: boolean
}

/** What the driver tells by itself: {"event": ...}. */
export interface DriverEvent {
  readonly event: string
  readonly [name: string]: unknown
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
  /** Every other event, in the order told. */
  readonly events: DriverEvent[] = []
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #wake: () => void = () => {}
  #trouble = ''
  #nextId = 1

  constructor({ program, words, folder }: RocketmqClient, namesrv: string) {
    this.#process = spawn(program, [...words, namesrv], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: folder
    })
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
    const command = { topic, how, messages: coded }
    return this.ask('Producers.send', command) as Promise<SendResult[]>
  }

  /** Starts a push consumer, from the first message on where the group has no place yet and nothing else is said. */
  async consume(options: ConsumeOptions): Promise<void> {
    await this.ask('Consumers.start', options)
  }

  /** Shuts the consumer of this name down in order: it says where it is, and goodbye. */
  async stop(name = ''): Promise<void> {
    await this.ask('Consumers.stop', { name })
  }

  async end(): Promise<void> {
    this.#process.stdin?.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), endTimeoutMs)
    await this.#ended
    clearTimeout(timer)
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** Resolves once `is` holds, looked at after each message and event; rejects in time. */
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

  /** Asks `Class.method` of the driver; resolves with its answer, rejects with its error. */
  ask(verb: string, command: object = {}): Promise<unknown> {
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
    if (told.event !== undefined) {
      this.events.push(told)
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
