/** Begin and end of Node's HTTP servers. */
import type { Server } from 'node:http'
import type { ListenOptions } from 'node:net'

/** So that Node's own check of requests' times never comes: it would wake a server to which nobody is connected. */
export const noTimeChecks = { connectionsCheckingInterval: 2 ** 31 - 1 } as const

/** Resolves once it listens; rejects with Node's listen errors (EADDRINUSE, EACCES, EADDRNOTAVAIL, ...). */
export function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Ends every connection: what is being done goes on, its answers are lost. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
