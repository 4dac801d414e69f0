import { connect, createServer, type Server, type Socket } from 'node:net'

/*
 * A tee proxy: stands between a real client and a real broker, passes every byte on as it is, and
 * hands out the frames of both directions. The broker must advertise the proxy's address. Kafka's
 * frames and RocketMQ's alike begin with their length as an int32.
 */

/** The most bytes of a half-received frame that are kept. */
const frameBytesMax = 16 * 1024 * 1024

export type TeeFrame = {
  /** Counts the connections that the proxy has accepted, from 1. */
  readonly connection: number
  readonly from: 'client' | 'broker'
  /** Without the length in front. */
  readonly frame: Buffer
}

export type Tee = { readonly port: number; close(): Promise<void> }

/** Listens on loopback (`port` 0: any; `host`: another of its addresses) and forwards to `brokerPort`. */
export async function startTee(options: {
  readonly brokerPort: number
  readonly host?: string
  readonly port: number
  readonly onFrame: (frame: TeeFrame) => void
}): Promise<Tee> {
  const { brokerPort, host = '127.0.0.1', onFrame } = options
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((client) => {
    const connection = ++connections
    const broker = connect(brokerPort, '127.0.0.1')
    pass(client, broker, (frame) => onFrame({ connection, from: 'client', frame }))
    pass(broker, client, (frame) => onFrame({ connection, from: 'broker', frame }))
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => server.listen(options.port, host, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return { port: address.port, close: () => closeAll(server, sockets) }
}

function closeAll(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  return new Promise((resolve) => server.close(() => resolve()))
}

function pass(from: Socket, to: Socket, onFrame: (frame: Buffer) => void): void {
  let held = Buffer.alloc(0)
  from.on('data', (bytes) => {
    if (!to.write(bytes)) from.pause()
    held = Buffer.concat([held, bytes])
    while (held.length >= 4) {
      const end = 4 + held.readInt32BE(0)
      if (end > frameBytesMax) throw new Error(`a frame of ${end} bytes is too large to capture`)
      if (held.length < end) break
      onFrame(Buffer.from(held.subarray(4, end)))
      held = held.subarray(end)
    }
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => to.destroy())
  from.on('error', () => to.destroy())
}

/** Writes a frame as text: `#` lines, then 16 bytes a line. */
export function hexText(notes: readonly string[], frame: Buffer): string {
  const digits = frame.toString('hex')
  const lines = digits.match(/.{1,32}/g) ?? []
  const spaced = lines.map((line) => (line.match(/../g) ?? []).join(' '))
  return [...notes.map((note) => `# ${note}`), ...spaced, ''].join('\n')
}

/** Reads what `hexText` wrote. */
export function parseHexText(text: string): Buffer {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  return Buffer.from(lines.join('').replaceAll(' ', ''), 'hex')
}
