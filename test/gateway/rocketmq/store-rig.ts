/** The RocketMQ gateway's handlers over an in-memory connection, on the real store on a disk in memory. */
import type { Test } from 'tap'
import { Groups } from '../../../gateway/broker/groups/index.ts'
import { CountedEngine } from '../../../gateway/broker/statistics/counted-engine.ts'
import { Traffic } from '../../../gateway/broker/statistics/traffic.ts'
import { Timers } from '../../../gateway/broker/timers/index.ts'
import { type TopicPolicy, TopicService } from '../../../gateway/broker/topics.ts'
import {
  DecodedBatches,
  decodeMessages,
  isMessageFault
} from '../../../gateway/broker/translate/index.ts'
import { ClientTable } from '../../../gateway/rocketmq/clients/client-table.ts'
import { QueueLocks } from '../../../gateway/rocketmq/clients/queue-locks.ts'
import type { Command } from '../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqServices, Role } from '../../../gateway/rocketmq/context.ts'
import { heartBeatRequest } from '../../../gateway/rocketmq/headers/heart-beat.ts'
import { pullFlags, pullMessageRequest } from '../../../gateway/rocketmq/headers/pull-message.ts'
import { sendMessageV2Request } from '../../../gateway/rocketmq/headers/send-message.ts'
import { RoutePerms } from '../../../gateway/rocketmq/route-perms.ts'
import { openStore, type Store } from '../../../storage/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { memoryIndex } from '../../support/memory-index.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { type RocketmqPeer, RocketmqRig } from './rig.ts'

export class StoreRig {
  readonly clock: FakeClock
  readonly store: Store
  readonly groups: Groups
  readonly topics: TopicService
  readonly broker: RocketmqRig
  readonly namesrv: RocketmqRig

  private constructor(
    clock: FakeClock,
    store: Store,
    groups: Groups,
    shared: Pick<RocketmqServices, 'random' | 'topics' | 'timers'> & Partial<RocketmqServices>
  ) {
    this.clock = clock
    this.store = store
    this.groups = groups
    this.topics = shared.topics
    const log = () => {}
    const clients = new ClientTable({ groups, clock, log })
    const locks = new QueueLocks(clock)
    const decoded = new DecodedBatches()
    const routePerms = new RoutePerms()
    const traffic = new Traffic(clock)
    const engine = new CountedEngine(store, {
      appended: (queue, records, bytes) => traffic.appended(queue, records, bytes)
    })
    const own = { clients, locks, routePerms, decoded, traffic }
    const services = { engine, groups, clock, ...own, ...shared }
    const rigOf = (role: Role) => new RocketmqRig({ role, services, clock })
    this.broker = rigOf('broker')
    this.namesrv = rigOf('namesrv')
  }

  static async open(
    t: Test,
    policy: Partial<TopicPolicy> = {},
    services: Partial<RocketmqServices> = {}
  ): Promise<StoreRig> {
    const clock = new FakeClock()
    const random = seededRandom(t)
    const disk = new FaultyDisk({ random: random.fork() })
    const log = () => {}
    const store = await openStore({
      folder: '/data',
      fileSystem: disk,
      clock,
      random,
      log,
      openIndex: () => memoryIndex() as never
    })
    const groups = await Groups.open({ engine: store, clock, log })
    const topics = new TopicService(store, random, policy)
    const timers = await Timers.open({ engine: store, clock, random, log })
    timers.start()
    const shared = { random, topics, timers }
    const rig = new StoreRig(clock, store, groups, { ...services, ...shared })
    t.teardown(async () => {
      await timers.close()
      await groups.close()
      await store.close()
    })
    return rig
  }

  async addTopic(name: string, queueCount = 2): Promise<string> {
    const topic = await this.topics.create({ names: { kafka: name, rocketmq: name }, queueCount })
    return topic.id
  }
}

/** A Java producer's send; `properties` as pairs. */
export function send(
  peer: RocketmqPeer,
  topic: string,
  body: string | Buffer,
  more: { queueId?: number; properties?: Readonly<Record<string, string>>; sysFlag?: number } = {}
): Promise<Command> {
  const { queueId = 0, properties = {}, sysFlag = 0 } = more
  return peer.askFor(
    sendMessageV2Request,
    {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId,
      sysFlag,
      bornTimestamp: 1_700_000_000_123,
      flag: 0,
      properties: textOf(properties)
    },
    { body: Buffer.from(body) }
  )
}

export function textOf(properties: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(properties)
  return pairs.map(([name, value]) => `${name}\u0001${value}\u0002`).join('')
}

export interface PullOptions {
  readonly topic: string
  readonly queueId?: number
  readonly offset: number
  readonly group?: string
  readonly countMax?: number
  /** Absent: the group's. */
  readonly subscription?: string
  readonly subVersion?: number
  readonly expressionType?: string
  readonly waitMs?: number
  readonly commitOffset?: number
}

/** The header of a pull, as a client writes it. */
export function pullFields(options: PullOptions): Record<string, string> {
  const { subscription, waitMs, commitOffset } = options
  const sysFlag =
    (commitOffset === undefined ? 0 : pullFlags.commitOffset) |
    (waitMs === undefined ? 0 : pullFlags.suspend) |
    (subscription === undefined ? 0 : pullFlags.subscription)
  const fields = pullMessageRequest.header.write({
    consumerGroup: options.group ?? 'g',
    topic: options.topic,
    queueId: options.queueId ?? 0,
    queueOffset: options.offset,
    maxMsgNums: options.countMax ?? 32,
    sysFlag,
    commitOffset: commitOffset ?? 0,
    suspendTimeoutMillis: waitMs ?? 0,
    subscription,
    subVersion: options.subVersion ?? 0,
    expressionType: options.expressionType ?? 'TAG'
  })
  return Object.fromEntries(fields)
}

export function pull(peer: RocketmqPeer, options: PullOptions): Promise<Command> {
  return peer.ask(pullMessageRequest.code, { fields: pullFields(options) })
}

/** The messages of a pull's answer; throws where it has anything else. */
export function messagesIn({ body }: Command) {
  const all = decodeMessages(body)
  if (isMessageFault(all)) throw new Error(all.text)
  return all
}

export function bodiesIn(answer: Command): string[] {
  return messagesIn(answer).map(({ message }) => message.body.toString())
}

/** What a consumer's heartbeat says: topic to subscription. */
export function heartbeat(
  clientId: string,
  group: string,
  subscriptions: Readonly<Record<string, string>>,
  more: { version?: number; messageModel?: string; expressionType?: string } = {}
): Buffer {
  const { version = 1, messageModel = 'CLUSTERING', expressionType = 'TAG' } = more
  const subscriptionDataSet = Object.entries(subscriptions).map(([topic, subString]) => ({
    topic,
    subString,
    tagsSet: subString === '*' ? [] : subString.split('||').map((tag) => tag.trim()),
    codeSet: [],
    subVersion: version,
    expressionType,
    classFilterMode: false
  }))
  const consumer = {
    groupName: group,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel,
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet,
    unitMode: false
  }
  const producerDataSet = [{ groupName: 'CLIENT_INNER_PRODUCER' }]
  const data = { clientID: clientId, consumerDataSet: [consumer], producerDataSet }
  return Buffer.from(JSON.stringify(data))
}

export function beat(
  peer: RocketmqPeer,
  clientId: string,
  group: string,
  subscriptions: Readonly<Record<string, string>>,
  more: Parameters<typeof heartbeat>[3] = {}
): Promise<Command> {
  const body = heartbeat(clientId, group, subscriptions, more)
  return peer.ask(heartBeatRequest.code, { body })
}
