import type net from 'node:net'
import { ConnectionLost, connectTo } from '../support/connect.ts'

/** Larger than any answer of this test. */
const frameBytesMax = 64 * 1024 * 1024

interface Awaited {
  resolve(body: Buffer): void
  reject(error: Error): void
}

/**
 * One Kafka connection, requests pipelined, answers in request order. No retries and no negotiation, so that a test
 * decides what is sent again.
 */
export class RawConnection {
  readonly #socket: net.Socket
  readonly #awaited: Awaited[] = []
  #buffered: Buffer[] = []
  #bufferedBytes = 0
  #wantedBytes = 4
  #correlation = 0
  #lost: Error | undefined

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('closed'))
  }

  /** To HOST:PORT. Rejects with ConnectionLost if nobody listens there. */
  static async open(bootstrap: string): Promise<RawConnection> {
    return new RawConnection(await connectTo(bootstrap))
  }

  /** Sends a request with header version 1; resolves with the answer's body, which begins after the correlation id. */
  ask(key: number, version: number, body: Buffer): Promise<Buffer> {
    if (this.#lost) return Promise.reject(this.#lost)
    const client = 'crash-test'
    const header = Buffer.alloc(14 + client.length)
    header.writeInt32BE(10 + client.length + body.length, 0)
    header.writeInt16BE(key, 4)
    header.writeInt16BE(version, 6)
    header.writeInt32BE(this.#correlation++, 8)
    header.writeInt16BE(client.length, 12)
    header.write(client, 14)
    return new Promise((resolve, reject) => {
      this.#awaited.push({ resolve, reject })
      this.#socket.write(Buffer.concat([header, body]))
    })
  }

  close(): void {
    this.#socket.destroy()
    this.#lose('closed by the client')
  }

  #receive(chunk: Buffer): void {
    this.#buffered.push(chunk)
    this.#bufferedBytes += chunk.length
    while (this.#bufferedBytes >= this.#wantedBytes) {
      const all = Buffer.concat(this.#buffered)
      const size = all.readInt32BE(0)
      if (size < 4 || size > frameBytesMax) {
        this.#fail(`a frame of ${size} bytes`)
        return
      }
      this.#wantedBytes = 4 + size
      this.#buffered = [all]
      if (all.length < this.#wantedBytes) return
      const answered = this.#correlation - this.#awaited.length
      if (all.readInt32BE(4) !== answered) {
        this.#fail('an answer out of order')
        return
      }
      this.#awaited.shift()?.resolve(all.subarray(8, this.#wantedBytes))
      this.#buffered = [all.subarray(this.#wantedBytes)]
      this.#bufferedBytes = all.length - this.#wantedBytes
      this.#wantedBytes = 4
    }
  }

  /** A broken answer is the server's fault and no lost connection. */
  #fail(why: string): void {
    this.#lost = new Error(why)
    this.#socket.destroy()
    for (const { reject } of this.#awaited.splice(0)) reject(this.#lost)
  }

  #lose(why: string): void {
    this.#lost ??= new ConnectionLost(why)
    for (const { reject } of this.#awaited.splice(0)) reject(this.#lost)
  }
}
