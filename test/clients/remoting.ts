import type net from 'node:net'
import {
  type AnyRequest,
  type Command,
  decodeCommand,
  encodeCommand,
  type HeaderInput
} from '../../gateway/rocketmq/codec/index.ts'
import { ConnectionLost, connectTo } from '../support/connect.ts'

/** An answer with a code that was not wanted. */
export class RemotingRefused extends Error {
  readonly code: number

  constructor(what: string, { code, remark }: Command) {
    super(`${what}: code ${code}, ${remark}`)
    this.code = code
  }
}

interface Awaited {
  resolve(answer: Command): void
  reject(error: Error): void
}

/** FLAG bit 0: an answer. */
const answerFlag = 1

/** One RocketMQ connection: requests multiplexed, answers in any order, no retries. */
export class RemotingConnection {
  /** What the server asks by itself; nobody answers it unless this is set. */
  asked: (command: Command) => void = () => {}
  readonly #socket: net.Socket
  readonly #awaited = new Map<number, Awaited>()
  #received: Buffer = Buffer.alloc(0)
  #opaque = 0
  #lost: Error | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('closed'))
  }

  /** To HOST:PORT. Rejects with ConnectionLost if nobody listens there. */
  static async open(address: string): Promise<RemotingConnection> {
    return new RemotingConnection(await connectTo(address))
  }

  /** Sends a request as a Java client does; resolves with its answer, whatever its code. */
  ask<R extends AnyRequest>(
    request: R,
    header: HeaderInput<R['header']>,
    body?: Buffer
  ): Promise<Command> {
    return this.askFields(request.code, request.header.write(header as never), body)
  }

  /** The same with a header's fields as they are. */
  askFields(
    code: number,
    fields: Command['fields'] | Readonly<Record<string, string>>,
    body?: Buffer
  ): Promise<Command> {
    if (this.#lost) return Promise.reject(this.#lost)
    const opaque = ++this.#opaque
    const command = {
      serialization: 'json',
      code,
      language: 'JAVA',
      version: 479,
      opaque,
      flag: 0,
      remark: null,
      fields: fields instanceof Map ? fields : new Map(Object.entries(fields))
    } as const
    return new Promise((resolve, reject) => {
      this.#awaited.set(opaque, { resolve, reject })
      this.#socket.write(Buffer.concat(encodeCommand(command, body === undefined ? [] : [body])))
    })
  }

  close(): void {
    this.#socket.destroy()
    this.#lose('closed by the client')
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    for (;;) {
      if (this.#received.length < 4) return
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const command = decodeCommand(this.#received.subarray(4, end))
      this.#received = this.#received.subarray(end)
      const awaited = this.#awaited.get(command.opaque)
      if ((command.flag & answerFlag) === 0) this.asked(command)
      else if (awaited) {
        this.#awaited.delete(command.opaque)
        awaited.resolve(command)
      }
    }
  }

  #lose(why: string): void {
    this.#lost ??= new ConnectionLost(why)
    for (const { reject } of this.#awaited.values()) reject(this.#lost)
    this.#awaited.clear()
  }
}
