import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that Linux gives to outgoing connections (32768 and up). */
const portMin = 15_000
const portMax = 32_000
const triesMax = 50

/**
 * A free port for a server that is stopped and started again on it: while it is away, no client's connection can be given
 * its port, as it can with one that the system chose.
 */
export async function quietPort(): Promise<number> {
  for (let i = 0; i < triesMax; i++) {
    const port = randomInt(portMin, portMax)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${portMin} and ${portMax} in ${triesMax} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
