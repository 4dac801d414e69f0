/** The operator's port: small, read-only, and bounded in everything. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { close, listen, noTimeChecks } from './node-server.ts'

/** What a page answers with. */
export interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Pages by path; each is made anew for every request. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>

export interface HttpServer {
  /** The address that is bound. */
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export const httpLimits = {
  /** One more takes the place of the one that has asked nothing for longest. */
  connectionsMax: 64,
  headerBytesMax: 8192,
  /** For the headers of a connection's first request; between two requests the time to keep it is added. */
  headersTimeoutMs: 5_000,
  /** Without a byte in either direction, an answer that is not taken included. */
  silenceMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  requestsPerConnectionMax: 1_000
} as const

/**
 * Serves `pages` to GET and HEAD; anything else gets 404 or 405.
 * @throws Node's listen errors (EADDRINUSE, EACCES, EADDRNOTAVAIL, ...)
 */
export async function startHttpServer(
  pages: Pages,
  host: string,
  port: number,
  onError: (path: string, error: unknown) => void
): Promise<HttpServer> {
  const server = createServer(
    {
      maxHeaderSize: httpLimits.headerBytesMax,
      keepAliveTimeout: httpLimits.keepAliveTimeoutMs,
      ...noTimeChecks
    },
    (request, response) => void answer(pages, request, response, onError)
  )
  server.timeout = httpLimits.silenceMs
  keepRoom(server)
  limitHeaders(server)
  server.maxRequestsPerSocket = httpLimits.requestsPerConnectionMax
  await listen(server, { host, port })
  const bound = server.address() as AddressInfo
  return { host: bound.address, port: bound.port, close: () => close(server) }
}

/** Nobody can hold all places by being there: who comes asks at once and is served, whoever is silent goes. */
function keepRoom(server: Server): void {
  /** Those that asked last are last. */
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    const [longestSilent] = connections
    if (longestSilent !== undefined && connections.size >= httpLimits.connectionsMax) {
      connections.delete(longestSilent)
      longestSilent.destroy()
    }
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.prependListener('request', ({ socket }: IncomingMessage) => {
    if (connections.delete(socket)) connections.add(socket)
  })
}

/** Closes connections whose next request does not come to the end of its headers. Without one nothing wakes. */
function limitHeaders(server: Server): void {
  const { headersTimeoutMs, keepAliveTimeoutMs } = httpLimits
  const deadlines = new WeakMap<Socket, NodeJS.Timeout>()
  const expect = (socket: Socket, ms: number): void => {
    if (!socket.destroyed) deadlines.set(socket, setTimeout(() => socket.destroy(), ms).unref())
  }
  const meet = (socket: Socket): void => clearTimeout(deadlines.get(socket))
  server.on('connection', (socket: Socket) => {
    expect(socket, headersTimeoutMs)
    socket.once('close', () => meet(socket))
  })
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    meet(socket)
    response.once('close', () => {
      meet(socket)
      expect(socket, keepAliveTimeoutMs + headersTimeoutMs)
    })
  })
}

async function answer(
  pages: Pages,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (path: string, error: unknown) => void
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  let page: Page
  try {
    page = await pageFor(pages, request.method, path)
  } catch (error) {
    onError(path, error)
    page = textPage(500, 'this page could not be made; the log says why')
  }
  // No page reads a body: a connection with one on the way is not used again.
  const hasBody = (request.headers['content-length'] ?? '0') !== '0'
  if (hasBody || request.headers['transfer-encoding'] !== undefined) {
    response.setHeader('connection', 'close')
  }
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {})
  })
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

async function pageFor(pages: Pages, method: string | undefined, path: string): Promise<Page> {
  const make = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (make === undefined) return textPage(404, `no such page; there are ${Object.keys(pages)}`)
  if (method !== 'GET' && method !== 'HEAD') return textPage(405, 'only GET and HEAD')
  return await make()
}

function textPage(status: number, text: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
}
