import type { ConnectionHandle } from '../tcp/index.ts'
import type { Command } from './codec/index.ts'
import type { ClientConnection, RequestContext, RocketmqServices, Role } from './context.ts'

/**
 * The context of one request. Fields are copied one by one into one shape: spreading an object of so many, or a
 * prototype a connection, would cost more than the rest of dispatch.
 */
export class RequestScope implements RequestContext {
  readonly engine: RocketmqServices['engine']
  readonly topics: RocketmqServices['topics']
  readonly groups: RocketmqServices['groups']
  readonly timers: RocketmqServices['timers']
  readonly clients: RocketmqServices['clients']
  readonly locks: RocketmqServices['locks']
  readonly resets: RocketmqServices['resets']
  readonly routePerms: RocketmqServices['routePerms']
  readonly filters: RocketmqServices['filters']
  readonly decoded: RocketmqServices['decoded']
  readonly readAhead: RocketmqServices['readAhead']
  readonly traffic: RocketmqServices['traffic']
  readonly addresses: RocketmqServices['addresses']
  readonly facts: RocketmqServices['facts']
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerPort: RocketmqServices['brokerPort']
  readonly clock: RocketmqServices['clock']
  readonly random: RocketmqServices['random']
  readonly log: RocketmqServices['log']
  readonly limits: RocketmqServices['limits']
  readonly transactionLimits: RocketmqServices['transactionLimits']
  readonly role: Role
  readonly client: ClientConnection
  readonly command: Command
  readonly #connection: ConnectionHandle

  constructor(
    services: RocketmqServices,
    role: Role,
    connection: ConnectionHandle,
    client: ClientConnection,
    command: Command
  ) {
    this.engine = services.engine
    this.topics = services.topics
    this.groups = services.groups
    this.timers = services.timers
    this.clients = services.clients
    this.locks = services.locks
    this.resets = services.resets
    this.routePerms = services.routePerms
    this.filters = services.filters
    this.decoded = services.decoded
    this.readAhead = services.readAhead
    this.traffic = services.traffic
    this.addresses = services.addresses
    this.facts = services.facts
    this.clusterName = services.clusterName
    this.brokerName = services.brokerName
    this.brokerPort = services.brokerPort
    this.clock = services.clock
    this.random = services.random
    this.log = services.log
    this.limits = services.limits
    this.transactionLimits = services.transactionLimits
    this.role = role
    this.client = client
    this.command = command
    this.#connection = connection
  }

  get signal(): AbortSignal {
    return this.#connection.signal
  }

  reserveAnswer(bytes: number): number {
    return this.#connection.reserveAnswer(bytes)
  }

  releaseAnswer(bytes: number): void {
    this.#connection.releaseAnswer(bytes)
  }
}
