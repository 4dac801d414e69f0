/** The composition root: opens the store, wires services and listeners, and closes them in order. */
import { keepPolicies } from '../gateway/broker/keep-policy.ts'
import { type Listener, tcpLimitTable, tcpShared } from '../gateway/tcp/index.ts'
import {
  type BackupReport,
  type LogSink,
  openStore,
  type Store,
  StoreError,
  systemTurns
} from '../storage/index.ts'
import { type Broker, openBroker, topicDefaults } from './broker.ts'
import { type Config, pickSettings } from './config.ts'
import { startControl } from './control/control-server.ts'
import { describeError } from './describe-error.ts'
import { type Health, healthOf, healthPage, type Phase } from './http/health.ts'
import { type HttpServer, startHttpServer } from './http/http-server.ts'
import { MetricsPage } from './http/metrics.ts'
import { type KafkaSide, openKafka } from './kafka.ts'
import { storeSettings } from './part-settings.ts'
import { openRocketmq, type RocketmqSide } from './rocketmq.ts'
import { listenError } from './start-error.ts'
import { version } from './version.ts'
import { thisMachine, type World } from './world.ts'

/** Where a listener is bound. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** As `ready` names them. */
export type ListenerName = 'kafka' | 'namesrv' | 'broker' | 'http'

/** What is bound: the VIP listener only if it is switched on. */
export type Endpoints = Readonly<Record<ListenerName, Endpoint>> & { readonly vip?: Endpoint }

/** How far below the broker's port clients look for its VIP port (MixAll.brokerVIPChannel). */
const vipDistance = 2

export interface ServerOptions {
  readonly config: Config
  readonly log: LogSink
  /** This machine unless given. */
  readonly world?: World
  /** What the server before this one left has to be replayed: much is made in a short time. */
  readonly onReplay?: () => void
}

export interface Server {
  readonly addresses: Endpoints
  /** Resolves, if ever, when the server can go on no longer: say so, close it and end. */
  readonly failure: Promise<Error>
  /**
   * Makes a store in `folder` (empty, or not there yet) of all that is acknowledged by now; this one goes on.
   * @throws BackupError; StoreError where the store is closed
   */
  backup(folder: string): Promise<BackupReport>
  /** Takes no new connection, drains, and closes the store. Idempotent. */
  close(): Promise<void>
}

/** Of the 5 s that a stop may take: what connections get to finish what they asked for. */
const drainTimeoutMs = 2_000

/**
 * Starts a server. Nothing in it is global: several may run in a process.
 * @throws StartError or OpenError; nothing is left open then
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, log, world = thisMachine } = options
  const startedMs = world.clock.monotonicMs()
  const server = new RunningServer(config, log, world)
  try {
    await server.open(options.onReplay)
  } catch (error) {
    await server.close()
    throw error
  }
  const addresses = Object.entries(server.addresses)
  log('info', 'ready', {
    addresses: Object.fromEntries(addresses.map(([name, bound]) => [name, addressText(bound)])),
    data: config.data,
    flush: config.flush,
    version,
    startMs: Math.round(world.clock.monotonicMs() - startedMs)
  })
  return server
}

const unbound: Endpoint = { host: '', port: 0 }

class RunningServer implements Server {
  readonly addresses: Record<ListenerName, Endpoint> & { vip?: Endpoint } = {
    kafka: unbound,
    namesrv: unbound,
    broker: unbound,
    http: unbound
  }
  readonly failure: Promise<Error>
  readonly #config: Config
  readonly #log: LogSink
  readonly #world: World
  #fail: (error: Error) => void = () => {}
  #phase: Phase = 'starting'
  #http: HttpServer | undefined
  #store: Store | undefined
  #broker: Broker | undefined
  #kafka: KafkaSide | undefined
  #rocketmq: RocketmqSide | undefined
  #control: { close(): Promise<void> } | undefined
  #closed: Promise<void> | undefined

  constructor(config: Config, log: LogSink, world: World) {
    this.#config = config
    this.#log = log
    this.#world = world
    this.failure = new Promise((resolve) => {
      this.#fail = resolve
    })
  }

  async open(onReplay: () => void = () => undefined): Promise<void> {
    const config = this.#config
    // First, so that a long recovery can be told from a dead process.
    this.#http = await this.#listenHttp()
    this.addresses.http = { host: this.#http.host, port: this.#http.port }
    const configs = topicDefaults(config)
    const { readBootId, ...ports } = this.#world
    const store = await openStore({
      ...ports,
      folder: config.data,
      log: this.#log,
      flushMode: config.flush,
      settings: pickSettings(config, storeSettings),
      bootId: await readBootId(),
      keepPolicyOf: keepPolicies(configs),
      onReplay
    })
    this.#store = store
    await this.#listenControl()
    void store.failure.then(this.#fail)
    const limits = pickSettings(config, tcpLimitTable)
    const shared = tcpShared(limits, ports.clock, this.#log, ports.turns ?? systemTurns)
    this.#broker = await openBroker(store, configs, config, { ...ports, log: this.#log })
    this.#kafka = openKafka(this.#broker, shared, config)
    const { addresses } = this
    this.#rocketmq = openRocketmq(this.#broker, shared, config, () => addresses.broker.port)
    const { kafkaPort, namesrvPort, brokerPort } = config
    addresses.kafka = await this.#listen(this.#kafka.listener, 'kafka-port', kafkaPort)
    // Before the name server, whose routes name it.
    addresses.broker = await this.#listen(this.#rocketmq.broker, 'broker-port', brokerPort)
    await this.#listenVip(this.#rocketmq.vip, addresses.broker.port)
    addresses.namesrv = await this.#listen(this.#rocketmq.namesrv, 'namesrv-port', namesrvPort)
    this.#broker.timers.start()
    this.#phase = 'up'
  }

  async backup(folder: string): Promise<BackupReport> {
    if (this.#store === undefined) throw new StoreError('closed', 'the store is not open')
    return await this.#store.backup(folder)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Requests first, then what they work on; health is told until the end. */
  async #close(): Promise<void> {
    this.#phase = 'closing'
    await this.#control?.close()
    const { namesrv, broker, vip } = this.#rocketmq ?? {}
    const listeners = [this.#kafka?.listener, namesrv, broker, vip]
    await Promise.all(listeners.map((listener) => listener?.close(drainTimeoutMs)))
    this.#kafka?.close()
    this.#rocketmq?.close()
    try {
      await this.#broker?.timers.close()
      await this.#broker?.groups.close()
      await this.#store?.close()
    } finally {
      // Whatever became of the store, nobody is to go on listening.
      await this.#http?.close()
    }
  }

  #health(): Health {
    return healthOf(this.#phase, this.#store?.status())
  }

  async #listen(listener: Listener, option: string, port: number): Promise<Endpoint> {
    const { host } = this.#config
    try {
      return await listener.listen({ host, port })
    } catch (error) {
      throw listenError(error, option, host, port)
    }
  }

  /** The routes name the broker's own port: clients take 2 away from it. */
  async #listenVip(listener: Listener | undefined, brokerPort: number): Promise<void> {
    if (listener === undefined) return
    this.addresses.vip = await this.#listen(listener, 'broker-vip-port', brokerPort - vipDistance)
  }

  /** Commands find the server by it. A server without it serves its clients all the same. */
  async #listenControl(): Promise<void> {
    const { data } = this.#config
    const { fileSystem } = this.#world
    // There is no socket in a folder that is not the machine's.
    if (fileSystem !== thisMachine.fileSystem) return
    try {
      this.#control = await startControl(fileSystem, data, {
        backup: (folder) => this.backup(folder)
      })
    } catch (error) {
      this.#log('warn', 'control-absent', { data, reason: describeError(error) })
    }
  }

  async #listenHttp(): Promise<HttpServer> {
    const { host, httpPort } = this.#config
    const metrics = new MetricsPage({
      version,
      isReady: () => this.#health().state === 'ready',
      engine: () => (this.#phase === 'up' ? this.#store : undefined),
      timers: () => (this.#phase === 'up' ? this.#broker?.timers : undefined),
      listeners: () => [
        ...(this.#kafka === undefined ? [] : [this.#kafka.measured]),
        ...(this.#rocketmq?.measured ?? [])
      ]
    })
    const pages = {
      '/healthz': () => healthPage(this.#health()),
      '/metrics': () => metrics.page()
    }
    try {
      return await startHttpServer(pages, host, httpPort, (path, error) => {
        this.#log('error', 'http-page-failed', { path, reason: describeError(error) })
      })
    } catch (error) {
      throw listenError(error, 'http-port', host, httpPort)
    }
  }
}

/** HOST:PORT, an IPv6 address in brackets. */
function addressText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
