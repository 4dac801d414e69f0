/** The RocketMQ gateway's protocol over an in-memory connection. Services are what a test puts in. */
import { AddressMap, parseAdvertise } from '../../../gateway/broker/addresses.ts'
import { Traffic } from '../../../gateway/broker/statistics/traffic.ts'
import { OffsetResets } from '../../../gateway/rocketmq/clients/offset-resets.ts'
import {
  type AnyRequest,
  type Command,
  decodeCommand,
  encodeCommand,
  type HeaderInput,
  type Serialization
} from '../../../gateway/rocketmq/codec/index.ts'
import {
  type ClientConnection,
  defaultRocketmqLimits,
  type RocketmqServices,
  type Role
} from '../../../gateway/rocketmq/context.ts'
import { type RequestObserver, rocketmqProtocol } from '../../../gateway/rocketmq/dispatch.ts'
import { MessageFilters } from '../../../gateway/rocketmq/filter/message-filters.ts'
import { ReadAhead } from '../../../gateway/rocketmq/read-ahead.ts'
import { RoutePerms } from '../../../gateway/rocketmq/route-perms.ts'
import { type Route, routes } from '../../../gateway/rocketmq/routes.ts'
import { transactionLimits } from '../../../gateway/rocketmq/transactions/limits.ts'
import { Connection } from '../../../gateway/tcp/connection.ts'
import { newTcpCounters } from '../../../gateway/tcp/counters.ts'
import { tcpLimits } from '../../../gateway/tcp/limits.ts'
import { tcpShared } from '../../../gateway/tcp/listener.ts'
import { systemTurns } from '../../../storage/sliced-turns.ts'
import { FakeClock, settled } from '../../support/fake-clock.ts'
import { type MemorySocket, memoryPair } from '../../support/memory-pair.ts'

export interface RigOptions {
  readonly role?: Role
  readonly table?: readonly Route[]
  readonly services?: Partial<RocketmqServices>
  readonly advertise?: readonly string[]
  readonly clock?: FakeClock
}

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: Record<string, unknown>
}

export interface Handled {
  readonly request: string
  readonly responseCode: number
  readonly latencyMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export const brokerPort = 10_911

export class RocketmqRig {
  readonly clock: FakeClock
  readonly log: LogLine[] = []
  readonly handled: Handled[] = []
  readonly services: RocketmqServices
  readonly #protocol
  readonly #shared
  #connections = 0

  constructor(options: RigOptions = {}) {
    const { role = 'broker', table = routes, services, advertise = [] } = options
    this.clock = options.clock ?? new FakeClock()
    const log = (level: string, event: string, fields: Record<string, unknown> = {}) =>
      this.log.push({ level, event, fields })
    this.services = {
      engine: {} as RocketmqServices['engine'],
      topics: {} as RocketmqServices['topics'],
      groups: {} as RocketmqServices['groups'],
      timers: {} as RocketmqServices['timers'],
      clients: {} as RocketmqServices['clients'],
      locks: {} as RocketmqServices['locks'],
      routePerms: new RoutePerms(),
      decoded: {} as RocketmqServices['decoded'],
      readAhead: new ReadAhead(),
      filters: new MessageFilters(),
      resets: new OffsetResets(),
      traffic: new Traffic(this.clock),
      addresses: new AddressMap(advertise.map(parseAdvertise)),
      clusterName: 'DefaultCluster',
      brokerName: 'broker-a',
      brokerPort: () => brokerPort,
      facts: {
        flushMode: 'sync',
        dataFolder: '/data',
        segmentBytes: 268_435_456,
        retentionMs: 604_800_000
      },
      clock: this.clock,
      random: {} as RocketmqServices['random'],
      log,
      limits: defaultRocketmqLimits,
      transactionLimits,
      ...services
    }
    const observer: RequestObserver = {
      handled: (request, responseCode, latencyMs, bytesIn, bytesOut) =>
        this.handled.push({ request, responseCode, latencyMs, bytesIn, bytesOut })
    }
    const shared = tcpShared(tcpLimits(), this.clock, log, systemTurns)
    this.#shared = { ...shared, counters: newTcpCounters() }
    this.#protocol = rocketmqProtocol(this.services, role, observer, table)
  }

  get events(): string[] {
    return this.log.map(({ event }) => event)
  }

  connect(localAddress = '127.0.0.1'): RocketmqPeer {
    const { server, client } = memoryPair()
    const endpoints = {
      remoteAddress: '10.0.0.9',
      remotePort: 40_000,
      localAddress,
      localPort: 9876
    }
    const id = ++this.#connections
    const connection = new Connection(id, server, endpoints, this.#protocol, this.#shared, () => {})
    server.on('data', (chunk: Buffer) => connection.receive(chunk, false))
    return new RocketmqPeer(client, connection)
  }
}

/** What a client sends with a command; the rest is as a Java client has it. */
export interface Sent {
  readonly serialization?: Serialization
  readonly fields?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly flag?: number
  readonly opaque?: number
  readonly remark?: string
  /** Of the client, as RocketMQ counts its versions. */
  readonly version?: number
}

export class RocketmqPeer {
  readonly socket: MemorySocket
  readonly connection: Connection
  closed = false
  #received = Buffer.alloc(0)
  #opaque = 100

  constructor(socket: MemorySocket, connection: Connection) {
    this.socket = socket
    this.connection = connection
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    const close = () => {
      this.closed = true
    }
    for (const event of ['end', 'close', 'error']) socket.on(event, close)
  }

  /** Sends a command and returns its opaque. */
  send(code: number, sent: Sent = {}): number {
    const { serialization = 'json', fields = {}, body, flag = 0, remark = null } = sent
    const { version = 479 } = sent
    const opaque = sent.opaque ?? ++this.#opaque
    const command = {
      serialization,
      code,
      language: 'JAVA',
      version,
      opaque,
      flag,
      remark,
      fields: new Map(Object.entries(fields))
    } as const
    this.socket.write(Buffer.concat(encodeCommand(command, body === undefined ? [] : [body])))
    return opaque
  }

  /** The next command from the server; undefined if the connection closed, or nothing comes. */
  async next(): Promise<Command | undefined> {
    for (let round = 0; round < 500; round++) {
      const received = this.#received
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0)
        this.#received = received.subarray(end)
        return decodeCommand(received.subarray(4, end))
      }
      if (this.closed) return undefined
      await settled(1)
    }
    return undefined
  }

  /** Sends a command and returns its answer. */
  async ask(code: number, sent: Sent = {}): Promise<Command> {
    const opaque = this.send(code, sent)
    const answer = await this.next()
    if (answer?.opaque !== opaque) throw new Error(`an answer to ${answer?.opaque}, not ${opaque}`)
    return answer
  }

  /** As `ask`, with the header as the request declares it. */
  askFor<R extends AnyRequest>(
    request: R,
    header: HeaderInput<R['header']>,
    sent: Sent = {}
  ): Promise<Command> {
    const fields = Object.fromEntries(request.header.write(header as never))
    return this.ask(request.code, { ...sent, fields: { ...fields, ...sent.fields } })
  }
}

export type { ClientConnection }
