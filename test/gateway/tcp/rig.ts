/** Connections over memory pairs, with a protocol whose answers the test gives. */
import { Connection, type ConnectionShared } from '../../../gateway/tcp/connection.ts'
import { newTcpCounters } from '../../../gateway/tcp/counters.ts'
import { FrameBudget } from '../../../gateway/tcp/frame-budget.ts'
import { type TcpLimits, tcpLimits } from '../../../gateway/tcp/limits.ts'
import type { Answer, ConnectionHandle, Protocol, Session } from '../../../gateway/tcp/protocol.ts'
import { RequestLoad } from '../../../gateway/tcp/request-load.ts'
import { SlicedTurns } from '../../../storage/sliced-turns.ts'
import { FakeClock, settled } from '../../support/fake-clock.ts'
import { type MemorySocket, memoryPair } from '../../support/memory-pair.ts'

/** A frame that a session was given and the test has to answer. */
export interface Asked {
  readonly text: string
  answer(answer: Answer): Promise<void>
  fail(error: Error): Promise<void>
}

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: Record<string, unknown>
}

export interface RigOptions {
  readonly limits?: Partial<TcpLimits>
  readonly order?: Protocol['order']
  readonly inFlightMax?: number
  readonly windowBytes?: number
}

/** Frames that begin with 'p' may overlap; those that begin with 'now' are answered at once with themselves. */
export class Rig {
  readonly clock = new FakeClock()
  readonly log: LogLine[] = []
  readonly asked: Asked[] = []
  /** How many frames sessions were given. */
  handled = 0
  readonly closed: number[] = []
  readonly handles: ConnectionHandle[] = []
  readonly shared: ConnectionShared
  readonly #protocol: Protocol
  readonly #windowBytes: number | undefined
  #connections = 0

  constructor({ limits, order = 'request', inFlightMax = 4, windowBytes }: RigOptions = {}) {
    const all = tcpLimits(limits)
    this.#windowBytes = windowBytes
    this.shared = {
      limits: all,
      clock: this.clock,
      turns: new SlicedTurns(),
      log: (level, event, fields = {}) => this.log.push({ level, event, fields }),
      counters: newTcpCounters(),
      budget: new FrameBudget(all, this.clock),
      load: new RequestLoad(all, this.clock)
    }
    const open = (handle: ConnectionHandle) => this.#open(handle)
    this.#protocol = { name: 'test', order, inFlightMax, open }
  }

  connect(): { readonly connection: Connection; readonly client: Client } {
    const { server, client } = memoryPair(this.#windowBytes)
    const endpoints = {
      remoteAddress: '127.0.0.1',
      remotePort: 40_000,
      localAddress: '127.0.0.1',
      localPort: 9092
    }
    const id = ++this.#connections
    const forget = ({ id }: Connection) => this.closed.push(id)
    const connection = new Connection(id, server, endpoints, this.#protocol, this.shared, forget)
    server.on('data', (chunk: Buffer) => connection.receive(chunk, false))
    return { connection, client: new Client(client) }
  }

  get events(): string[] {
    return this.log.map(({ event }) => event)
  }

  #open(handle: ConnectionHandle): Session {
    this.handles.push(handle)
    return {
      mayOverlap: (frame) => frame[0] === 0x70,
      handle: (frame) => {
        this.handled++
        const text = frame.toString('latin1', 0, 40)
        if (text.startsWith('now')) return [framed(text)]
        if (text.startsWith('throw')) throw new Error('handler broke')
        return new Promise<Answer>((resolve, reject) => {
          this.asked.push({
            text,
            answer: (answer) => {
              resolve(answer)
              return settled()
            },
            fail: (error) => {
              reject(error)
              return settled()
            }
          })
        })
      }
    }
  }
}

export class Client {
  readonly socket: MemorySocket
  closed = false
  #received = Buffer.alloc(0)

  constructor(socket: MemorySocket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    const close = () => {
      this.closed = true
    }
    socket.on('end', close)
    socket.on('close', close)
    socket.on('error', close)
  }

  async send(...frames: readonly (string | Buffer)[]): Promise<void> {
    this.socket.write(Buffer.concat(frames.map(framed)))
    await settled()
  }

  async sendRaw(bytes: Buffer): Promise<void> {
    this.socket.write(bytes)
    await settled()
  }

  get receivedBytes(): number {
    return this.#received.length
  }

  /** The frames that came so far. */
  get answers(): string[] {
    const answers: string[] = []
    for (let at = 0; at + 4 <= this.#received.length; ) {
      const end = at + 4 + this.#received.readInt32BE(at)
      answers.push(this.#received.toString('latin1', at + 4, end))
      at = end
    }
    return answers
  }
}

export function framed(body: string | Buffer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** What announces a frame of so many bytes. */
export function announce(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes)
  return length
}
