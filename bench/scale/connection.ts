import type net from 'node:net'
import {
  type BodyOf,
  decodeResponse,
  encodeRequest,
  type Fields,
  type InputOf,
  type Message
} from '../../gateway/kafka/codec/index.ts'
import { connectTo } from '../../test/support/connect.ts'

interface Awaited {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

const clientId = 'scale'
const lengthBytes = 4

/** One Kafka connection of the benches, any request of the schemas; requests pipelined, answers in their order. */
export class Connection {
  readonly #socket: net.Socket
  readonly #awaited: Awaited[] = []
  #buffered: Buffer[] = []
  #have = 0
  #want = lengthBytes
  #correlationId = 0
  #lost: Error | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#lose(error))
    socket.on('close', () => this.#lose(new Error('the server closed the connection')))
  }

  /** To HOST:PORT. */
  static async open(bootstrap: string): Promise<Connection> {
    return new Connection(await connectTo(bootstrap))
  }

  async ask<Asked extends Fields, Answered extends Fields>(
    request: Message<Asked>,
    response: Message<Answered>,
    version: number,
    body: InputOf<Message<Asked>>
  ): Promise<BodyOf<Message<Answered>>> {
    return decodeResponse(response, version, await this.send(this.encode(request, version, body)))
      .body
  }

  /** A frame to be sent once, or again and again. */
  encode<Asked extends Fields>(
    request: Message<Asked>,
    version: number,
    body: InputOf<Message<Asked>>
  ): Buffer {
    const header = { correlationId: this.#correlationId++, clientId }
    return Buffer.concat(encodeRequest(request, version, header, body))
  }

  /** Resolves with the answer's frame, without its length. */
  send(frame: Buffer): Promise<Buffer> {
    if (this.#lost) return Promise.reject(this.#lost)
    return new Promise((resolve, reject) => {
      this.#awaited.push({ resolve, reject })
      this.#socket.write(frame)
    })
  }

  close(): void {
    this.#lost ??= new Error('closed by the client')
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#buffered.push(chunk)
    this.#have += chunk.length
    while (this.#have >= this.#want) {
      const whole = this.#buffered.length === 1 ? chunk : Buffer.concat(this.#buffered)
      this.#want = lengthBytes + whole.readInt32BE(0)
      this.#buffered = [whole]
      if (this.#have < this.#want) return
      this.#awaited.shift()?.resolve(whole.subarray(lengthBytes, this.#want))
      const rest = whole.subarray(this.#want)
      this.#have = rest.length
      this.#buffered = rest.length > 0 ? [rest] : []
      this.#want = lengthBytes
      chunk = rest
    }
  }

  #lose(error: Error): void {
    this.#lost ??= error
    for (const { reject } of this.#awaited.splice(0)) reject(this.#lost)
  }
}
