/**
 * Which clients are there: live connections only, nothing of it is stored. Consumers are members of their groups until
 * they say goodbye, their connection closes, or they are not heard of for long; producers are listed as long.
 */
import type { Clock, LogSink, Timer } from '../../../storage/ports.ts'
import type { Groups } from '../../broker/groups/index.ts'
import { rocketmqGroupNameFault, toKafkaGroupName } from '../../broker/names.ts'
import type { ClientConnection } from '../client-connection.ts'
import { groupSettingsOf } from '../group-settings.ts'
import { notifyConsumerIdsChangedRequest } from '../headers/notify-consumer-ids-changed.ts'
import { broadcasting, type ConsumerData, ConsumerGroup, type Heartbeat } from './consumer-group.ts'

export interface ClientLimits {
  /** A client that was not heard of for so long is gone (RocketMQ's channel expiry). */
  readonly clientExpiryMs: number
  /** How often that is looked at. */
  readonly clientCheckMs: number
  /** Groups that one connection may take part in. */
  readonly groupsPerConnectionMax: number
  /** Client ids that one connection may speak for in one producer group. */
  readonly clientIdsPerGroupMax: number
  /** Consumer groups with members, all together. */
  readonly liveGroupsMax: number
}

export const clientLimits: ClientLimits = {
  clientExpiryMs: 120_000,
  clientCheckMs: 10_000,
  groupsPerConnectionMax: 1000,
  clientIdsPerGroupMax: 1000,
  liveGroupsMax: 10_000
}

export interface ClientTableOptions {
  readonly groups: Pick<Groups, 'ownership' | 'stored'>
  readonly clock: Clock
  readonly log: LogSink
  readonly limits?: ClientLimits
}

/** What of a heartbeat was not taken. */
export interface RefusedGroup {
  readonly group: string
  readonly reason: string
}

/** A client that produces in a group. */
export interface Producer {
  readonly clientId: string
  readonly connection: ClientConnection
  /** Monotonic, ms. */
  readonly heardMs: number
}

/** The groups of one connection, each with the client ids that it speaks for. */
interface Connected {
  readonly consumers: Map<string, Set<string>>
  readonly producers: Map<string, Set<string>>
}

export class ClientTable {
  readonly #options: ClientTableOptions
  readonly #limits: ClientLimits
  readonly #groups = new Map<string, ConsumerGroup>()
  readonly #producers = new Map<string, Map<ClientConnection, number>>()
  /** Clients that produce by their ids, each on the connection it was heard on last. */
  readonly #producersById = new Map<string, ClientConnection>()
  readonly #connected = new Map<ClientConnection, Connected>()
  #timer: Timer | undefined

  constructor(options: ClientTableOptions) {
    this.#options = options
    this.#limits = options.limits ?? clientLimits
  }

  consumerGroup(name: string): ConsumerGroup | undefined {
    return this.#groups.get(name)
  }

  /** Those with members. */
  consumerGroups(): Iterable<ConsumerGroup> {
    return this.#groups.values()
  }

  /** Names of groups that are produced in. */
  producerGroups(): Iterable<string> {
    return this.#producers.keys()
  }

  producers(group: string): Producer[] {
    const all: Producer[] = []
    for (const [connection, heardMs] of this.#producers.get(group) ?? []) {
      const clientIds = this.#connected.get(connection)?.producers.get(group) ?? []
      for (const clientId of clientIds) all.push({ clientId, connection, heardMs })
    }
    return all
  }

  /** Connections of producers that named this group. */
  producersOf(group: string): readonly ClientConnection[] {
    return [...(this.#producers.get(group)?.keys() ?? [])]
  }

  /**
   * Where the client of that id is; undefined if none was heard of that produces. Every Java and Go client does, in a
   * group of its own at least.
   */
  producerOf(clientId: string): ClientConnection | undefined {
    return this.#producersById.get(clientId)
  }

  /** Takes a heartbeat; returns the consumer groups in it that the client is no member of, and why. */
  heard(connection: ClientConnection, heartbeat: Heartbeat): readonly RefusedGroup[] {
    if (!connection.open) return []
    const refused: RefusedGroup[] = []
    const connected = this.#connectedOf(connection)
    const nowMs = this.#options.clock.monotonicMs()
    for (const { groupName } of heartbeat.producerDataSet) {
      this.#producerHeard(connection, connected, groupName, heartbeat.clientID, nowMs)
    }
    for (const data of heartbeat.consumerDataSet) {
      const reason = this.#refusal(data.groupName, connected)
      if (reason !== undefined) refused.push({ group: data.groupName, reason })
      else this.#consumerHeard(connection, connected, heartbeat, data, nowMs)
    }
    this.#timer ??= this.#options.clock.after(this.#limits.clientCheckMs, () => this.#check())
    return refused
  }

  /** A client says goodbye in one of its groups, or was not heard of for long (`isLost`). */
  leave(
    connection: ClientConnection,
    clientId: string,
    consumerGroup: string | undefined,
    producerGroup: string | undefined,
    isLost = false
  ): void {
    const connected = this.#connected.get(connection)
    if (connected === undefined) return
    if (consumerGroup !== undefined && removeFrom(connected.consumers, consumerGroup, clientId)) {
      const isNotified = isLost || this.#isNotified(consumerGroup)
      this.#consumerLeft(consumerGroup, clientId, connection, isNotified)
    }
    if (producerGroup !== undefined && removeFrom(connected.producers, producerGroup, clientId)) {
      if (!connected.producers.has(producerGroup)) this.#producerLeft(producerGroup, connection)
      this.#forgetProducers([clientId], connection)
    }
  }

  /** Stops the clockwork; connections are their listener's to close. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #connectedOf(connection: ClientConnection): Connected {
    const known = this.#connected.get(connection)
    if (known !== undefined) return known
    const connected = { consumers: new Map(), producers: new Map() }
    this.#connected.set(connection, connected)
    connection.onClose(() => this.#closed(connection, connected))
    return connected
  }

  /** Why a consumer group is not taken; undefined if it is, and then it is RocketMQ's. */
  #refusal(name: string, connected: Connected): string | undefined {
    if (rocketmqGroupNameFault(name) !== undefined) return 'is no name for a group'
    if (connected.consumers.has(name)) return undefined
    const { groupsPerConnectionMax, liveGroupsMax } = this.#limits
    if (connected.consumers.size >= groupsPerConnectionMax) return 'is one too many'
    const known = this.#groups.get(name)
    if (known !== undefined) return undefined
    if (this.#groups.size >= liveGroupsMax) return `is not taken: ${liveGroupsMax} have members`
    const { ownership } = this.#options.groups
    const group = new ConsumerGroup(name)
    const reads = (topic: string) => group.kafkaTopics.has(topic)
    const live = { reads, members: () => group.live, topics: () => group.kafkaTopics }
    if (!ownership.claim(toKafkaGroupName(name), { protocol: 'rocketmq', ...live })) {
      this.#options.log('warn', 'group-of-other-protocol', { group: name, refused: 'rocketmq' })
      return otherProtocol
    }
    this.#groups.set(name, group)
    return undefined
  }

  #consumerHeard(
    connection: ClientConnection,
    connected: Connected,
    { clientID, withoutSub }: Heartbeat,
    data: ConsumerData,
    nowMs: number
  ): void {
    const group = this.#groups.get(data.groupName)
    if (group === undefined) return
    const isFirst = group.size === 0
    addTo(connected.consumers, group.name, clientID)
    const isChanged = group.heard(clientID, connection, data, withoutSub, nowMs)
    if (isFirst) this.#options.groups.stored.occupied(toKafkaGroupName(group.name), '')
    if (isChanged && this.#isNotified(group.name)) notify(group)
  }

  #producerHeard(
    connection: ClientConnection,
    connected: Connected,
    group: string,
    clientId: string,
    nowMs: number
  ): void {
    const { groupsPerConnectionMax, clientIdsPerGroupMax } = this.#limits
    const clientIds = connected.producers.get(group)
    if (clientIds === undefined) {
      if (connected.producers.size >= groupsPerConnectionMax) return
    } else if (!clientIds.has(clientId) && clientIds.size >= clientIdsPerGroupMax) return
    addTo(connected.producers, group, clientId)
    this.#producersById.set(clientId, connection)
    const producers = this.#producers.get(group) ?? new Map<ClientConnection, number>()
    this.#producers.set(group, producers.set(connection, nowMs))
  }

  /** Whether members want to be told of each other; of one that is lost they are told in any case. */
  #isNotified(group: string): boolean {
    return groupSettingsOf(group, this.#options).notifyConsumerIdsChangedEnable
  }

  #consumerLeft(
    name: string,
    clientId: string,
    connection: ClientConnection,
    isNotified: boolean
  ): void {
    const group = this.#groups.get(name)
    if (group === undefined || !group.leave(clientId, connection)) return
    if (group.size > 0) {
      if (isNotified) notify(group)
      return
    }
    this.#groups.delete(name)
    const kafkaName = toKafkaGroupName(name)
    this.#options.groups.ownership.release(kafkaName, 'rocketmq')
    this.#options.groups.stored.emptied(kafkaName)
  }

  #producerLeft(group: string, connection: ClientConnection): void {
    const producers = this.#producers.get(group)
    producers?.delete(connection)
    if (producers?.size === 0) this.#producers.delete(group)
  }

  /** Those of the clients that produce in no group on the connection any more. */
  #forgetProducers(clientIds: Iterable<string>, connection: ClientConnection): void {
    const groups = this.#connected.get(connection)?.producers
    for (const clientId of clientIds) {
      if (this.#producersById.get(clientId) !== connection) continue
      const isLeft = ![...(groups?.values() ?? [])].some((ids) => ids.has(clientId))
      if (isLeft) this.#producersById.delete(clientId)
    }
  }

  #closed(connection: ClientConnection, connected: Connected): void {
    this.#connected.delete(connection)
    for (const [group, clientIds] of connected.consumers) {
      for (const clientId of clientIds) this.#consumerLeft(group, clientId, connection, true)
    }
    for (const [group, clientIds] of connected.producers) {
      this.#producerLeft(group, connection)
      this.#forgetProducers(clientIds, connection)
    }
  }

  #check(): void {
    const limitMs = this.#options.clock.monotonicMs() - this.#limits.clientExpiryMs
    for (const group of [...this.#groups.values()]) {
      for (const { clientId, connection, heardMs } of [...group.members]) {
        if (heardMs <= limitMs) this.leave(connection, clientId, group.name, undefined, true)
      }
    }
    for (const [group, producers] of [...this.#producers]) {
      for (const [connection, heardMs] of [...producers]) {
        if (heardMs > limitMs) continue
        const groups = this.#connected.get(connection)?.producers
        const clientIds = groups?.get(group) ?? []
        groups?.delete(group)
        this.#producerLeft(group, connection)
        this.#forgetProducers(clientIds, connection)
      }
    }
    const isEmpty = this.#groups.size === 0 && this.#producers.size === 0
    this.#timer = isEmpty
      ? undefined
      : this.#options.clock.after(this.#limits.clientCheckMs, () => this.#check())
  }
}

/** Said to clients after the group's name. */
export const otherProtocol = 'has members that speak the Kafka protocol'

/** In a group that broadcasts nobody divides anything. */
function notify(group: ConsumerGroup): void {
  if (group.messageModel === broadcasting) return
  const header = { consumerGroup: group.name }
  for (const { connection } of group.members) {
    connection.push(notifyConsumerIdsChangedRequest, { header, body: undefined })
  }
}

function addTo(groups: Map<string, Set<string>>, group: string, clientId: string): void {
  const clientIds = groups.get(group) ?? new Set()
  groups.set(group, clientIds.add(clientId))
}

/** True if it was there. */
function removeFrom(groups: Map<string, Set<string>>, group: string, clientId: string): boolean {
  const clientIds = groups.get(group)
  if (clientIds === undefined || !clientIds.delete(clientId)) return false
  if (clientIds.size === 0) groups.delete(group)
  return true
}
