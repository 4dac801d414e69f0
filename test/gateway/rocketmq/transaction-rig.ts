/** Half messages on the real store, on a disk in memory that may lose its power. */
import type { Test } from 'tap'
import type { Timers, TimersOptions } from '../../../gateway/broker/timers/index.ts'
import { TopicService } from '../../../gateway/broker/topics.ts'
import { decodeOffsetId, type RecordMessage } from '../../../gateway/broker/translate/index.ts'
import { ClientTable } from '../../../gateway/rocketmq/clients/client-table.ts'
import type { Command } from '../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqServices } from '../../../gateway/rocketmq/context.ts'
import { endTransactionRequest } from '../../../gateway/rocketmq/headers/end-transaction.ts'
import { checkBack } from '../../../gateway/rocketmq/transactions/check-back.ts'
import { TimerWorld } from '../broker/timers/timer-world.ts'
import { type RocketmqPeer, RocketmqRig } from './rig.ts'
import { send } from './store-rig.ts'

export const group = 'payments'
export const [commitType, rollbackType] = [8, 12]

export interface TransactionOptions {
  readonly limits?: TimersOptions['limits']
  readonly services?: Partial<RocketmqServices>
}

/** What a producer knows of a half message that it sent. */
export interface Half {
  readonly offset: number
  readonly physicalOffset: bigint
  readonly answer: Command
}

export class TransactionRig {
  readonly world: TimerWorld
  readonly #broker: () => RocketmqRig

  private constructor(world: TimerWorld, broker: () => RocketmqRig) {
    this.world = world
    this.#broker = broker
  }

  static async open(t: Test, options: TransactionOptions = {}): Promise<TransactionRig> {
    let broker: RocketmqRig | undefined
    const prepare = (timers: Timers, world: TimerWorld) => {
      const { store: engine, clock, random } = world
      const clients = new ClientTable({ groups: {} as never, clock, log: () => {} })
      const shared = { engine, timers, clients, random, topics: new TopicService(engine, random) }
      broker = new RocketmqRig({ services: { ...shared, ...options.services }, clock })
      timers.setAction('half', checkBack(broker.services))
    }
    const world = await TimerWorld.open(t, { prepare, limits: options.limits ?? {} })
    return new TransactionRig(world, () => broker as RocketmqRig)
  }

  /** Since the last start. */
  get broker(): RocketmqRig {
    return this.#broker()
  }

  get topics(): TopicService {
    return this.broker.services.topics
  }

  /** A client that is known to produce in the group. */
  async producer(clientID = 'p1', groupName = group): Promise<RocketmqPeer> {
    const peer = this.broker.connect()
    const data = { clientID, producerDataSet: [{ groupName }], consumerDataSet: [] }
    const answer = await peer.ask(34, { body: Buffer.from(JSON.stringify(data)) })
    if (answer.code !== 0) throw new Error(`${answer.remark}`)
    return peer
  }

  /** The messages of a topic's queue, as stored. */
  async messages(topicName: string, queueId = 0): Promise<RecordMessage[]> {
    const topic = await this.topics.findByName(topicName)
    const queue = topic?.queues[queueId]
    return queue === undefined ? [] : this.world.messagesOf(queue)
  }

  async bodies(topicName: string, queueId = 0): Promise<string[]> {
    return (await this.messages(topicName, queueId)).map(({ body }) => body.toString())
  }

  pending(): Promise<number> {
    return this.world.timers.pending('half')
  }
}

/** Sends as a Java client does; throws where it was refused. */
export async function sendHalf(
  peer: RocketmqPeer,
  topic: string,
  body: string,
  more: { queueId?: number; properties?: Readonly<Record<string, string>> } = {}
): Promise<Half> {
  const { queueId = 0, properties = {} } = more
  const own = { TRAN_MSG: 'true', PGROUP: group, UNIQ_KEY: `ID-${body}`, WAIT: 'true' }
  const sent = { queueId, sysFlag: 4, properties: { ...own, ...properties } }
  const answer = await send(peer, topic, body, sent)
  if (answer.code !== 0) throw new Error(`${answer.code} ${answer.remark}`)
  const place = decodeOffsetId(answer.fields.get('msgId') ?? '')
  if (place === undefined) throw new Error('no place')
  const offset = Number(answer.fields.get('queueOffset'))
  return { offset, physicalOffset: place.physicalOffset, answer }
}

/** Says what became of a half message, and waits for an answer, which clients do not. */
export function end(
  peer: RocketmqPeer,
  { offset, physicalOffset }: Pick<Half, 'offset' | 'physicalOffset'>,
  commitOrRollback: number,
  more: { producerGroup?: string; fromTransactionCheck?: boolean } = {}
): Promise<Command> {
  return peer.askFor(endTransactionRequest, {
    producerGroup: group,
    tranStateTableOffset: offset,
    commitLogOffset: physicalOffset,
    commitOrRollback,
    ...more
  })
}

/** All that the server has told a peer by itself. */
export async function allTold(peer: RocketmqPeer): Promise<Command[]> {
  const opaque = peer.send(30, { fields: { topic: 'none', queueId: '0' } })
  const all: Command[] = []
  for (;;) {
    const next = await peer.next()
    if (next === undefined || (next.flag === 1 && next.opaque === opaque)) return all
    all.push(next)
  }
}
