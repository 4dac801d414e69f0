/**
 * A client's connection as handlers and the client table see it: who is at the other end, and asking it things.
 * Requests to the client have opaques of their own; what the client answers is told from its requests by a flag.
 */
import type { Clock, Timer } from '../../storage/ports.ts'
import type { ConnectionHandle } from '../tcp/index.ts'
import type { BodyInput, BodyOf } from './codec/body.ts'
import {
  type AnyRequest,
  type Command,
  encodeCommand,
  flags,
  type HeaderInput,
  type HeaderOf,
  type Language,
  type Serialization
} from './codec/index.ts'
import { serverLanguage, serverVersion } from './server-version.ts'

/** What goes to a client with a request. */
export interface Pushed<R extends AnyRequest> {
  readonly header: HeaderInput<R['header']>
  readonly body: BodyInput<R['body']>
}

/** What a client answered. Header and body make sense only where the code says so. */
export interface ClientAnswer<R extends AnyRequest> {
  readonly code: number
  readonly remark: string | null
  /** Throws ParameterError. */
  header(): HeaderOf<R['responseHeader']>
  /** Throws ParameterError. */
  body(): BodyOf<R['responseBody']>
  readonly bodyBytes: Buffer
}

/** A client could not be asked: its connection closed, it did not answer in time, or too much waits for it. */
export class PushError extends Error {
  readonly reason: 'closed' | 'timeout' | 'too-many'

  constructor(reason: 'closed' | 'timeout' | 'too-many', text: string) {
    super(text)
    this.name = 'PushError'
    this.reason = reason
  }
}

export interface ClientConnection {
  /** Unique within the process. */
  readonly id: number
  /** The client's address and port, without '::ffff:'. */
  readonly host: string
  readonly port: number
  /** The address and port that the client dialled. */
  readonly localAddress: string
  readonly localPort: number
  readonly open: boolean
  /** As the client's latest request had it. */
  readonly language: Language
  /** The same; an ordinal of MQVersion. */
  readonly version: number
  /** False while the client has much to take still: what can wait should not be told or asked now. */
  readonly keepsUp: boolean
  /** Tells the client something and waits for nothing. Does nothing once the connection is closed. */
  push<R extends AnyRequest>(request: R, pushed: Pushed<R>): void
  /** Asks the client. Rejects with PushError. */
  ask<R extends AnyRequest>(
    request: R,
    pushed: Pushed<R>,
    timeoutMs: number
  ): Promise<ClientAnswer<R>>
  /** Calls `listener` once, when the connection has closed; at once if it has. Returns what takes it back. */
  onClose(listener: () => void): () => void
}

/** Of what waits to be told to one client. */
export interface PushLimits {
  /** Requests that the client has not answered. */
  readonly pushesMax: number
  /** Bytes that it has not taken, answers among them; beyond it nothing more is asked. */
  readonly pushBytesMax: number
}

interface Waiting {
  readonly timer: Timer
  answer(command: Command): void
  fail(error: PushError): void
}

export class RocketmqClient implements ClientConnection {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly localAddress: string
  readonly localPort: number
  serialization: Serialization = 'json'
  language: Language = 'OTHER'
  version = 0
  readonly #connection: ConnectionHandle
  readonly #clock: Clock
  readonly #limits: PushLimits
  readonly #waiting = new Map<number, Waiting>()
  readonly #closeListeners = new Set<() => void>()
  #lastOpaque = 0
  #open = true

  constructor(connection: ConnectionHandle, clock: Clock, limits: PushLimits) {
    this.id = connection.id
    this.#connection = connection
    this.#clock = clock
    this.#limits = limits
    const { remoteAddress, remotePort, localAddress, localPort } = connection.endpoints
    this.host = remoteAddress
    this.port = remotePort
    this.localAddress = localAddress
    this.localPort = localPort
  }

  get open(): boolean {
    return this.#open
  }

  get keepsUp(): boolean {
    return this.#connection.waitingBytes <= this.#limits.pushBytesMax
  }

  push<R extends AnyRequest>(request: R, pushed: Pushed<R>): void {
    if (this.#open) this.#send(request, pushed, flags.oneway)
  }

  ask<R extends AnyRequest>(
    request: R,
    pushed: Pushed<R>,
    timeoutMs: number
  ): Promise<ClientAnswer<R>> {
    const who = `request ${request.code} to ${this.host}:${this.port}`
    if (!this.#open) return Promise.reject(new PushError('closed', `${who}: it is gone`))
    if (this.#waiting.size >= this.#limits.pushesMax || !this.keepsUp) {
      const bytes = this.#connection.waitingBytes
      const text = `${who}: ${this.#waiting.size} wait for its answers, ${bytes} bytes for it`
      return Promise.reject(new PushError('too-many', text))
    }
    return new Promise((resolve, reject) => {
      const opaque = this.#send(request, pushed, 0)
      const timer = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(opaque)
        reject(new PushError('timeout', `${who}: no answer in ${timeoutMs} ms`))
      })
      const answer = (command: Command) => resolve(answerOf(request, command))
      this.#waiting.set(opaque, { timer, answer, fail: reject })
    })
  }

  onClose(listener: () => void): () => void {
    if (!this.#open) {
      listener()
      return () => {}
    }
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** A request came: answers and requests to the client have its form. */
  asked({ serialization, language, version }: Command): void {
    this.serialization = serialization
    this.language = language
    this.version = version
  }

  /** A response came. One that nobody waits for (any more) is dropped. */
  answered(command: Command): void {
    const waiting = this.#waiting.get(command.opaque)
    if (waiting === undefined) return
    this.#waiting.delete(command.opaque)
    waiting.timer.cancel()
    waiting.answer(command)
  }

  /** The connection is gone. */
  closed(): void {
    this.#open = false
    for (const { timer, fail } of this.#waiting.values()) {
      timer.cancel()
      fail(new PushError('closed', `${this.host}:${this.port} left without an answer`))
    }
    this.#waiting.clear()
    const listeners = [...this.#closeListeners]
    this.#closeListeners.clear()
    for (const listener of listeners) listener()
  }

  #send<R extends AnyRequest>(request: R, { header, body }: Pushed<R>, flag: number): number {
    const opaque = this.#lastOpaque
    this.#lastOpaque = (opaque + 1) & 0x7fffffff
    const command = {
      serialization: this.serialization,
      code: request.code,
      language: serverLanguage,
      version: serverVersion,
      opaque,
      flag,
      remark: null,
      fields: request.header.write(header as never)
    }
    this.#connection.send(encodeCommand(command, request.body.write(body as never)))
    return opaque
  }
}

function answerOf<R extends AnyRequest>(request: R, command: Command): ClientAnswer<R> {
  return {
    code: command.code,
    remark: command.remark,
    header: () => request.responseHeader.read(command.fields) as HeaderOf<R['responseHeader']>,
    body: () => request.responseBody.read(command.body) as BodyOf<R['responseBody']>,
    bodyBytes: command.body
  }
}
