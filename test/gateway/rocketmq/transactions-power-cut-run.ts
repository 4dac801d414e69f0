/**
 * One seeded run: half messages are sent, committed, rolled back and asked about while the power goes at any call of
 * the disk. What producers were told must hold of the topics in the end.
 */
import { setImmediate } from 'node:timers/promises'
import { Timers } from '../../../gateway/broker/timers/index.ts'
import { TopicService } from '../../../gateway/broker/topics.ts'
import { ClientTable } from '../../../gateway/rocketmq/clients/client-table.ts'
import { checkBack } from '../../../gateway/rocketmq/transactions/check-back.ts'
import { type Engine, openStore, type Store, type StoreSettings } from '../../../storage/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { anyFate, IndexCopies } from '../../support/index-copies.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { readTarget } from '../broker/timers/target-content.ts'
import { type RocketmqPeer, RocketmqRig } from './rig.ts'
import {
  allTold,
  commitType,
  end,
  group,
  type Half,
  rollbackType,
  sendHalf
} from './transaction-rig.ts'

export interface RunOptions {
  /** Puts something between gateway and store, to see that its faults are found. */
  readonly engineOf?: (store: Store) => Engine
}

export interface RunReport {
  readonly committed: number
  readonly rolledBack: number
  readonly putAside: number
  readonly stops: number
}

interface Sent {
  readonly body: string
  readonly half: Half | undefined
  /** What its producer says when it is asked: 0 for what it does not know. */
  readonly outcome: number
  /** What was acknowledged; undefined while nothing was. */
  ended: number | undefined
  /** The store failed before it could say whether it was ended. */
  isUnsure: boolean
}

interface Life {
  readonly store: Store
  readonly timers: Timers
  readonly rig: RocketmqRig
  /** The one that is asked. */
  readonly producer: RocketmqPeer
  readonly senders: readonly RocketmqPeer[]
}

const settings: Partial<StoreSettings> = {
  segmentBytes: 64 * 1024,
  checkpointBytes: 16 * 1024,
  tailBytes: 64 * 1024,
  heldTimersMax: 16,
  reserveBytes: 0
}
const transactionLimits = {
  transactionCheckAfterMs: 500,
  transactionCheckIntervalMs: 300,
  transactionCheckMax: 4
}
const topicName = 'orders'
const putAsideName = 'TRANS_CHECK_MAX_TIME_TOPIC'
const outcomes = [commitType, commitType, rollbackType, 0] as const

export class TransactionsPowerCutRun {
  readonly #random: SeededRandom
  readonly #options: RunOptions
  readonly #index = new IndexCopies()
  readonly #all: Sent[] = []
  #disk: FaultyDisk
  #clock = new FakeClock()
  #boot = 0
  #stops = 0

  constructor(seed: number, options: RunOptions = {}) {
    this.#random = new SeededRandom(seed)
    this.#options = options
    this.#disk = new FaultyDisk({ random: this.#random.fork() })
    this.#disk.addFolder('/data')
  }

  /** Rejects where a message is there twice, or that should not be, or one is missing. */
  async run(): Promise<RunReport> {
    await this.#index.lay('lost')
    for (let i = this.#random.between(2, 4); i > 0; i--) await this.#live()
    const life = await this.#open()
    for (let turn = 0; (await life.timers.pending('half')) > 0; turn++) {
      if (turn > 100) throw new Error('some half messages never end')
      await this.#clock.advance(300)
      await this.#answer(life)
    }
    const report = await this.#judge(life)
    await life.timers.close()
    await life.store.close()
    return report
  }

  async #live(): Promise<void> {
    const random = this.#random
    const life = await this.#open()
    this.#disk.stopAfter(random.integer(random.pick([30, 200, 600])))
    for (let step = random.pick([5, 20]); step > 0 && !this.#disk.stopped; step--) {
      await Promise.all(
        life.senders.map((peer) => (random.chance(0.5) ? this.#end(peer) : this.#send(peer)))
      )
      if (random.chance(0.5)) await this.#clock.advance(random.integer(400))
      await this.#answer(life)
      if (random.chance(0.1)) await this.#index.copy()
    }
    const isPower = random.chance(0.7)
    this.#disk = isPower ? this.#disk.powerCut() : this.#disk.processKill()
    if (isPower) this.#boot++
    this.#stops++
    // What the old ones still do, they do to a disk and an index that are no more.
    await life.timers.close()
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    await this.#index.lay(isPower ? anyFate(random) : random.pick(['kept', 'lost']))
  }

  async #send(peer: RocketmqPeer): Promise<void> {
    const body = `${this.#all.length}`
    const sent = { body, outcome: this.#random.pick(outcomes), ended: undefined, isUnsure: false }
    // Its place in the list is taken before the answer comes.
    const at = this.#all.push({ ...sent, half: undefined }) - 1
    const half = await sendHalf(peer, topicName, body).catch(refusedOnly)
    if (half !== undefined) this.#all[at] = { ...sent, half }
  }

  /** Ends one by itself, now and then one that was ended before. */
  async #end(peer: RocketmqPeer): Promise<void> {
    const known = this.#all.filter(
      ({ half, ended }) => half && (!ended || this.#random.chance(0.1))
    )
    if (known.length === 0) return
    const one = this.#random.pick(known)
    const outcome = this.#random.pick([commitType, rollbackType])
    if (one.half === undefined) return
    const { code } = await end(peer, one.half, outcome)
    this.#ended(one, outcome, code)
  }

  #ended(one: Sent, outcome: number, code: number): void {
    // It is no half message any more, or none that is known to it.
    if (code === 1 || outcome === 0) return
    if (code !== 0) {
      one.isUnsure = true
      return
    }
    if (one.ended !== undefined) throw new Error(`${one.body} was ended twice`)
    one.ended = outcome
  }

  /** Answers what the producer was asked. */
  async #answer({ producer }: Life): Promise<void> {
    for (const { fields } of await allTold(producer)) {
      const one = this.#all.find(({ body }) => `ID-${body}` === fields.get('msgId'))
      if (one === undefined) throw new Error(`nobody sent ${fields.get('msgId')}`)
      const place = {
        offset: Number(fields.get('tranStateTableOffset')),
        physicalOffset: BigInt(fields.get('commitLogOffset') ?? 0)
      }
      const { code } = await end(producer, place, one.outcome, { fromTransactionCheck: true })
      this.#ended(one, one.outcome, code)
    }
  }

  async #judge({ store }: Life): Promise<RunReport> {
    const committed = await countsIn(store, topicName)
    const aside = await countsIn(store, putAsideName)
    const report = { committed: 0, rolledBack: 0, putAside: 0, stops: this.#stops }
    for (const one of this.#all) {
      const { body, half, ended } = one
      const [here, there] = [committed.get(body) ?? 0, aside.get(body) ?? 0]
      committed.delete(body)
      aside.delete(body)
      if (here + there > 1) throw new Error(`${body} is there ${here + there} times`)
      if (ended === commitType && here !== 1)
        throw new Error(`${body} was committed and is not there`)
      if (ended === rollbackType && here + there > 0)
        throw new Error(`${body} was rolled back and is there`)
      if (ended === commitType) report.committed++
      if (ended === rollbackType) report.rolledBack++
      const isLost = half !== undefined && ended === undefined && there === 0
      if (isLost && !one.isUnsure) throw new Error(`${body} was acknowledged and is lost`)
      report.putAside += there
    }
    const unknown = [...committed.keys(), ...aside.keys()]
    if (unknown.length > 0) throw new Error(`nobody sent ${unknown}`)
    return report
  }

  async #open(): Promise<Life> {
    this.#clock = new FakeClock(this.#clock.now() + this.#random.integer(1000))
    const clock = this.#clock
    const random = this.#random.fork()
    const log = () => {}
    const store = await openStore({
      folder: '/data',
      fileSystem: this.#disk,
      clock,
      random,
      log,
      settings,
      openIndex: () => this.#index.database,
      bootId: `${this.#boot}`
    })
    const engine = this.#options.engineOf?.(store) ?? store
    const timers = await Timers.open({ engine, clock, random, log })
    const clients = new ClientTable({ groups: {} as never, clock, log })
    const topics = new TopicService(engine, random)
    if ((await topics.findByName(topicName)) === undefined) {
      await topics.create({ names: { kafka: topicName, rocketmq: topicName }, queueCount: 1 })
    }
    const services = { engine, timers, clients, random, topics, transactionLimits }
    const rig = new RocketmqRig({ services, clock })
    timers.setAction('half', checkBack(rig.services))
    timers.start()
    const producer = rig.connect()
    const data = { clientID: 'p', producerDataSet: [{ groupName: group }], consumerDataSet: [] }
    await producer.ask(34, { body: Buffer.from(JSON.stringify(data)) })
    return { store, timers, rig, producer, senders: [1, 2, 3, 4].map(() => rig.connect()) }
  }
}

/** A send that got no half message: it was refused, or the store failed before it could say. */
function refusedOnly(error: Error): undefined {
  if (!/^\d+ /.test(error.message)) throw error
}

/** How often each body is in the topic's one queue. */
async function countsIn(store: Store, name: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const topic = await store.findTopic({ kafkaName: name })
  for (const queue of topic?.queues ?? []) {
    for (const { body } of await readTarget(store, queue)) {
      counts.set(body, (counts.get(body) ?? 0) + 1)
    }
  }
  return counts
}
