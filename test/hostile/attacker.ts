/** One end of a connection that does what no client should. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export class Attacker {
  readonly socket: Socket
  receivedBytes = 0
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    // A reset is one way to be shown the door.
    socket.on('error', () => {})
  }

  /** To HOST:PORT; it reads what comes unless `deaf`. */
  static async open(address: string, deaf = false): Promise<Attacker> {
    const colon = address.lastIndexOf(':')
    const port = Number(address.slice(colon + 1))
    const socket = connect(port, address.slice(0, colon))
    const attacker = new Attacker(socket)
    await once(socket, 'connect')
    socket.setNoDelay(true)
    if (deaf) socket.pause()
    else socket.on('data', (chunk: Buffer) => attacker.#count(chunk))
    return attacker
  }

  /** Resolves when the operating system has taken the bytes, or the connection is gone. */
  write(bytes: Buffer): Promise<void> {
    if (this.socket.destroyed) return Promise.resolve()
    const taken = new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()))
    return Promise.race([taken, this.closed])
  }

  /** Writes the bytes again and again until `total` were taken or `patienceMs` passed without one being. */
  async pour(bytes: Buffer, total: number, patienceMs: number): Promise<number> {
    let taken = 0
    while (taken < total && !this.socket.destroyed) {
      if (!(await within(patienceMs, this.write(bytes)))) break
      taken += bytes.length
    }
    return taken
  }

  /** Resolves with all bytes that came once there are so many; rejects if the connection ends before. */
  async receive(wanted: (bytes: Buffer) => boolean): Promise<Buffer> {
    let bytes = Buffer.alloc(0)
    return await new Promise((resolve, reject) => {
      void this.closed.then(() => reject(new Error(`closed after ${bytes.length} bytes`)))
      this.socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk])
        if (wanted(bytes)) resolve(bytes)
      })
    })
  }

  /** Whether the server closes the connection or answers within this time. */
  settles(patienceMs: number): Promise<boolean> {
    const answered = this.receivedBytes > 0 ? undefined : once(this.socket, 'data').catch(() => {})
    return within(patienceMs, Promise.race([this.closed, answered]))
  }

  leave(): Promise<void> {
    this.socket.destroy()
    return this.closed
  }

  #count(chunk: Buffer): void {
    this.receivedBytes += chunk.length
  }
}

/** Whether it came to an end within the time, in ms. */
export async function within(patienceMs: number, ending: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs)
  })
  try {
    return await Promise.race([ending.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The frame behind its length. */
export function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  return Buffer.concat([length, frame])
}
