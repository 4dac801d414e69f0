/** Begin and end of Node's HTTP servers. */
import type { Server } from 'node:http'
import type { ListenOptions } from 'node:net'

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
