import net from 'node:net'

/** The connection ended before the answer came: whether the request was carried out is not known. */
export class ConnectionLost extends Error {}

/** A connection to HOST:PORT. Rejects with ConnectionLost if nobody listens there. */
export async function connectTo(address: string): Promise<net.Socket> {
  const colon = address.lastIndexOf(':')
  const socket = net.connect(Number(address.slice(colon + 1)), address.slice(0, colon))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error) => reject(new ConnectionLost(error.message)))
  })
  return socket
}

/** Opens a connection and works on it. Resolves when it is lost, rejects on any other trouble. */
export async function untilLost<C extends { close(): void }>(
  open: () => Promise<C>,
  work: (connection: C) => Promise<void>
): Promise<void> {
  let connection: C | undefined
  try {
    connection = await open()
    await work(connection)
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
  } finally {
    connection?.close()
  }
}
