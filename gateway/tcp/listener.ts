/** A listening port and the table of its connections. */
import { createServer, type Server, type Socket } from 'node:net'
import type { BulkTurns, Clock, LogSink, Timer } from '../../storage/ports.ts'
import { Connection, type ConnectionShared } from './connection.ts'
import { newTcpCounters, type TcpCounters } from './counters.ts'
import { FrameBudget } from './frame-budget.ts'
import type { TcpLimits } from './limits.ts'
import type { Endpoints, Protocol } from './protocol.ts'
import { RequestLoad } from './request-load.ts'
import { acceptOptions, readShared } from './shared-reads.ts'

/** What the listeners of a server share: one budget and one load over all of them. */
export interface TcpShared {
  readonly limits: TcpLimits
  readonly clock: Clock
  readonly turns: BulkTurns
  readonly log: LogSink
  readonly budget: FrameBudget
  readonly load: RequestLoad
}

export function tcpShared(
  limits: TcpLimits,
  clock: Clock,
  log: LogSink,
  turns: BulkTurns
): TcpShared {
  const budget = new FrameBudget(limits, clock)
  return { limits, clock, turns, log, budget, load: new RequestLoad(limits, clock) }
}

export interface ListenAddress {
  /** A literal address, or a name to look up. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
}

/** How often, at most, a line is logged about connections refused at the limit, ms. */
const refusedLogMs = 10_000

let lastConnectionId = 0

export class Listener {
  readonly counters: TcpCounters = newTcpCounters()
  readonly #protocol: Protocol
  readonly #shared: ConnectionShared
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #forget = (connection: Connection) => this.#remove(connection)
  #sweeper: Timer | undefined
  #lastRefusedLogMs = Number.NEGATIVE_INFINITY
  #closing = false
  #empty: (() => void) | undefined

  constructor(protocol: Protocol, shared: TcpShared) {
    this.#protocol = protocol
    this.#shared = { ...shared, counters: this.counters }
    const options = { ...acceptOptions, noDelay: true, keepAlive: true }
    this.#server = createServer(options, (socket) => this.#accept(socket))
  }

  /** Open connections, oldest first. */
  get connections(): Iterable<Connection> {
    return this.#connections
  }

  /** Listens; resolves with the address bound. Rejects with Node's error (EADDRINUSE, EACCES, ENOTFOUND, ...). */
  listen(address: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(address.port, address.host, () => {
        this.#server.removeListener('error', reject)
        this.#server.on('error', (error) =>
          this.#shared.log('error', 'listener-error', { reason: error.message })
        )
        const bound = this.#server.address()
        if (bound === null || typeof bound === 'string') throw new Error('not bound to a port')
        resolve({ host: bound.address, port: bound.port })
      })
    })
  }

  /**
   * Accepts nobody more, answers what was received, then closes each connection; after `deadlineMs` those that are
   * left are closed as they are. Resolves when all are closed.
   */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#sweeper?.cancel()
    this.#server.close()
    if (this.#connections.size === 0) return
    const emptied = new Promise<void>((resolve) => {
      this.#empty = resolve
    })
    const deadline = this.#shared.clock.after(deadlineMs, () => {
      for (const connection of [...this.#connections]) connection.close()
    })
    for (const connection of [...this.#connections]) connection.drain()
    if (this.#connections.size > 0) await emptied
    deadline.cancel()
  }

  #accept(accepted: Socket): void {
    if (this.#closing || this.#connections.size >= this.#shared.limits.connectionsMax) {
      this.counters.refused++
      accepted.destroy()
      this.#logRefused()
      return
    }
    this.counters.accepted++
    this.counters.open++
    const id = ++lastConnectionId
    const { endpoints, unknown } = endpointsOf(accepted)
    // Gone before it was looked at.
    if (unknown) {
      this.counters.open--
      accepted.destroy()
      return
    }
    const socket = readShared(accepted, (chunk, reused) => connection.receive(chunk, reused))
    const connection = new Connection(
      id,
      socket,
      endpoints,
      this.#protocol,
      this.#shared,
      this.#forget
    )
    this.#connections.add(connection)
    this.#planSweep()
    socket.resume()
  }

  #remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.counters.open--
    if (this.#connections.size > 0) return
    this.#sweeper?.cancel()
    this.#sweeper = undefined
    this.#empty?.()
  }

  #logRefused(): void {
    const now = this.#shared.clock.monotonicMs()
    if (this.#closing || now - this.#lastRefusedLogMs < refusedLogMs) return
    this.#lastRefusedLogMs = now
    const { connectionsMax } = this.#shared.limits
    const fields = { protocol: this.#protocol.name, connectionsMax, refused: this.counters.refused }
    this.#shared.log('warn', 'connections-refused', fields)
  }

  /**
   * Where nobody is connected nothing wakes up, and else not before somebody may have to be closed: one of those who
   * are here in `dueInMs`, one who comes or falls silent meanwhile no sooner than the limits say.
   */
  #planSweep(dueInMs = Number.POSITIVE_INFINITY): void {
    const { clock, limits } = this.#shared
    if (this.#closing || this.#connections.size === 0) return
    const delayMs = Math.min(dueInMs, limits.slowReaderMs, limits.idleMs)
    this.#sweeper ??= clock.after(Math.max(delayMs, limits.sweepMs), () => {
      this.#sweeper = undefined
      const now = clock.monotonicMs()
      let dueMs = Number.POSITIVE_INFINITY
      for (const connection of [...this.#connections])
        dueMs = Math.min(dueMs, connection.sweep(now))
      this.#planSweep(dueMs - now)
    })
  }
}

function endpointsOf(socket: Socket): { endpoints: Endpoints; unknown: boolean } {
  const endpoints: Endpoints = {
    remoteAddress: bare(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: bare(socket.localAddress),
    localPort: socket.localPort ?? 0
  }
  return { endpoints, unknown: endpoints.remoteAddress === '' || endpoints.localAddress === '' }
}

/** An IPv4 address that arrived on an IPv6 socket is told as what it is. */
function bare(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
