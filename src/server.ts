/** The composition root: opens the store, wires services and listeners, and closes them in order. */
import type { EngineStatus } from '../storage/contract.ts'
import type { LogSink } from '../storage/ports.ts'
import type { Config } from './config.ts'
import { describeError } from './describe-error.ts'
import { healthOf, healthPage, type Phase } from './http/health.ts'
import { type HttpServer, startHttpServer } from './http/http-server.ts'
import { listenError } from './start-error.ts'
import { version } from './version.ts'

/** Where a listener is bound. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface ServerOptions {
  readonly config: Config
  readonly log: LogSink
}

export interface Server {
  readonly addresses: { readonly http: Endpoint }
  /** Resolves, if ever, when the server can go on no longer: say so, close it and end. */
  readonly failure: Promise<string>
  /** Takes no new connection, drains, and closes the store. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a server. Nothing in it is global: several may run in a process.
 * @throws StartError or OpenError; nothing is left open then
 */
export async function startServer({ config, log }: ServerOptions): Promise<Server> {
  const startedMs = performance.now()
  const server = new RunningServer(config, log)
  try {
    await server.open()
  } catch (error) {
    await server.close()
    throw error
  }
  log('info', 'ready', {
    addresses: Object.fromEntries(
      Object.entries(server.addresses).map(([name, { host, port }]) => [name, `${host}:${port}`])
    ),
    data: config.data,
    flush: config.flush,
    version,
    startMs: Math.round(performance.now() - startedMs)
  })
  return server
}

class RunningServer implements Server {
  readonly failure: Promise<string>
  readonly #config: Config
  readonly #log: LogSink
  #phase: Phase = 'starting'
  #http: HttpServer | undefined
  #closed: Promise<void> | undefined

  constructor(config: Config, log: LogSink) {
    this.#config = config
    this.#log = log
    this.failure = new Promise(() => {})
  }

  get addresses(): Server['addresses'] {
    return { http: { host: this.#config.host, port: this.#http?.port ?? 0 } }
  }

  async open(): Promise<void> {
    // First, so that a long recovery can be told from a dead process.
    this.#http = await this.#listenHttp()
    this.#phase = 'up'
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#phase = 'closing'
    await this.#http?.close()
  }

  async #listenHttp(): Promise<HttpServer> {
    const { host, httpPort } = this.#config
    const pages = { '/healthz': () => healthPage(healthOf(this.#phase, this.#engineStatus())) }
    try {
      return await startHttpServer(pages, host, httpPort, (path, error) => {
        this.#log('error', 'http-page-failed', { path, reason: describeError(error) })
      })
    } catch (error) {
      throw listenError(error, 'http-port', host, httpPort)
    }
  }

  #engineStatus(): EngineStatus | undefined {
    return undefined
  }
}
