/**
 * A consumer group while it has members: who they are and what they subscribed to. Subscriptions are the group's, as in
 * RocketMQ (ConsumerGroupInfo): the latest heartbeat says what there is.
 */

import type { LiveMember } from '../../broker/groups/index.ts'
import { toKafkaTopicName } from '../../broker/names.ts'
import type { heartbeatData } from '../bodies/heartbeat.ts'
import type { ClientConnection } from '../client-connection.ts'
import type { BodyOf } from '../codec/body.ts'
import type { Subscription } from './subscription.ts'

export type Heartbeat = BodyOf<typeof heartbeatData>
export type ConsumerData = Heartbeat['consumerDataSet'][number]

/** RocketMQ's MessageModel.BROADCASTING: every member gets everything. */
export const broadcasting = 'BROADCASTING'

export interface Member {
  readonly clientId: string
  connection: ClientConnection
  /** Monotonic, ms. */
  heardMs: number
}

export class ConsumerGroup {
  readonly name: string
  consumeType = ''
  messageModel = ''
  consumeFromWhere = ''
  readonly #members = new Map<string, Member>()
  #subscriptions = new Map<string, Subscription>()

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.#members.size
  }

  /** In the order in which they came. */
  get clientIds(): string[] {
    return [...this.#members.keys()]
  }

  get members(): Iterable<Member> {
    return this.#members.values()
  }

  /** The members, as whoever knows no RocketMQ is told of them. */
  get live(): LiveMember[] {
    return [...this.#members.values()].map(({ clientId, connection: { host, port } }) => {
      return { id: clientId, address: `${host}:${port}` }
    })
  }

  /** What the group subscribed to, by Kafka's names. */
  get kafkaTopics(): ReadonlySet<string> {
    return new Set([...this.#subscriptions.keys()].map(toKafkaTopicName))
  }

  /** Of the member of that id. */
  connectionOf(clientId: string): ClientConnection | undefined {
    return this.#members.get(clientId)?.connection
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  subscription(topic: string): Subscription | undefined {
    return this.#subscriptions.get(topic)
  }

  /**
   * Takes a member's heartbeat; true if the group's members must divide their queues anew. A client id is one member,
   * on whichever connection it was heard last: told twice, queues would go to nobody.
   */
  heard(
    clientId: string,
    connection: ClientConnection,
    data: ConsumerData,
    withoutSubscriptions: boolean,
    nowMs: number
  ): boolean {
    this.consumeType = data.consumeType
    this.messageModel = data.messageModel
    this.consumeFromWhere = data.consumeFromWhere
    const member = this.#members.get(clientId)
    const isNew = member?.connection !== connection
    if (member === undefined) {
      this.#members.set(clientId, { clientId, connection, heardMs: nowMs })
    } else {
      member.connection = connection
      member.heardMs = nowMs
    }
    const isChanged = !withoutSubscriptions && this.#subscribe(data.subscriptionDataSet)
    return isNew || isChanged
  }

  /** True if there was such a member on the connection. */
  leave(clientId: string, connection: ClientConnection): boolean {
    if (this.#members.get(clientId)?.connection !== connection) return false
    return this.#members.delete(clientId)
  }

  /** True if topics came or went. */
  #subscribe(all: ConsumerData['subscriptionDataSet']): boolean {
    const before = this.#subscriptions
    const after = new Map<string, Subscription>()
    for (const { topic, subString: text, expressionType, subVersion: version } of all) {
      const known = before.get(topic)
      const isLater = known === undefined || version > known.version
      after.set(topic, isLater ? { topic, text, expressionType, version } : known)
    }
    this.#subscriptions = after
    return after.size !== before.size || [...after.keys()].some((topic) => !before.has(topic))
  }
}
