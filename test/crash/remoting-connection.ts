import net from 'node:net'
import { type Command, decodeCommand, encodeCommand } from '../../gateway/rocketmq/codec/index.ts'
import { ConnectionLost } from './raw-connection.ts'

interface Awaited {
  resolve(answer: Command): void
  reject(error: Error): void
}

/** One connection to a RocketMQ broker. Nothing is sent again: whoever asked decides. */
export class RemotingConnection {
  readonly #socket: net.Socket
  readonly #awaited = new Map<number, Awaited>()
  #received = Buffer.alloc(0)
  #opaque = 0
  #lost: Error | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('closed'))
  }

  /** `address`: HOST:PORT. Rejects with ConnectionLost if nobody listens there. */
  static async open(address: string): Promise<RemotingConnection> {
    const colon = address.lastIndexOf(':')
    const socket = net.connect(Number(address.slice(colon + 1)), address.slice(0, colon))
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', (error) => reject(new ConnectionLost(error.message)))
    })
    return new RemotingConnection(socket)
  }

  /** Rejects with ConnectionLost: whether it was done is not known then. */
  ask(code: number, fields: Readonly<Record<string, string>>, body?: Buffer): Promise<Command> {
    if (this.#lost) return Promise.reject(this.#lost)
    const opaque = this.#opaque++
    const command = {
      serialization: 'json',
      code,
      language: 'JAVA',
      version: 479,
      opaque,
      flag: 0,
      remark: null,
      fields: new Map(Object.entries(fields))
    } as const
    return new Promise((resolve, reject) => {
      this.#awaited.set(opaque, { resolve, reject })
      this.#socket.write(Buffer.concat(encodeCommand(command, body === undefined ? [] : [body])))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    for (;;) {
      const { length } = this.#received
      const end = length < 4 ? 4 : 4 + this.#received.readInt32BE(0)
      if (length < end || length < 4) return
      const answer = decodeCommand(Buffer.from(this.#received.subarray(4, end)))
      this.#received = this.#received.subarray(end)
      this.#awaited.get(answer.opaque)?.resolve(answer)
      this.#awaited.delete(answer.opaque)
    }
  }

  #lose(why: string): void {
    this.#lost ??= new ConnectionLost(why)
    for (const { reject } of this.#awaited.values()) reject(this.#lost)
    this.#awaited.clear()
  }
}
