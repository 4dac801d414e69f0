import { Duplex } from 'node:stream'

type Done = (error?: Error | null) => void

/** One end of a connection without a network: what is written at one end is read at the other, with back-pressure. */
export class MemorySocket extends Duplex {
  peer: MemorySocket | undefined
  #waiting: Done | undefined

  constructor(windowBytes: number) {
    super({ readableHighWaterMark: windowBytes, allowHalfOpen: false })
  }

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.peer?.deliver(chunk, done)
  }

  override _final(done: Done): void {
    this.peer?.deliver(null, done)
  }

  override _destroy(error: Error | null, done: Done): void {
    const { peer } = this
    this.peer = undefined
    if (peer !== undefined && !peer.destroyed) peer.vanished()
    done(error)
  }

  /** The other end's bytes; `done` once there is room for more. */
  deliver(chunk: Buffer | null, done: Done): void {
    if (this.destroyed || this.readableEnded || this.push(chunk)) done()
    else this.#waiting = done
  }

  /** The other end closed. */
  vanished(): void {
    this.peer = undefined
    this.push(null)
  }
}

/** Both ends. `windowBytes`: what one end holds unread before the other one's writes wait. */
export function memoryPair(windowBytes = 65_536): { server: MemorySocket; client: MemorySocket } {
  const server = new MemorySocket(windowBytes)
  const client = new MemorySocket(windowBytes)
  server.peer = client
  client.peer = server
  return { server, client }
}
