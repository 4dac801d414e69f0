/** The clients of one run, of both protocols on the same queues; they live through all of its lives. */
import { RemotingRefused } from '../clients/remoting.ts'
import { CompactedLoad } from '../crash/compacted-load.ts'
import { consume, type LoadOptions, Producer } from '../crash/load.ts'
import { RawError } from '../crash/raw-requests.ts'
import { RemotingProducer, remotingConsume } from '../crash/remoting-load.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { type Asked, askLatest, askMaxOffset } from './askers.ts'
import type { FaultHistory } from './fault-history.ts'
import { FaultTimers } from './fault-timers.ts'

export interface Addresses {
  readonly kafka: string
  readonly broker: string
}

/** What a server answers that cannot do as it is asked, and says so: Kafka's codes, then RocketMQ's. */
const refusals = {
  /** NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT, COORDINATOR_{LOAD_IN_PROGRESS,NOT_AVAILABLE}, KAFKA_STORAGE_ERROR. */
  kafka: [6, 7, 14, 15, 56],
  /** SYSTEM_BUSY, SERVICE_NOT_AVAILABLE. */
  rocketmq: [2, 14]
}
/** Where bytes are damaged: CORRUPT_MESSAGE, SYSTEM_ERROR. */
const damaged = { kafka: 2, rocketmq: 1 }

export class Clients {
  readonly load: LoadOptions
  readonly timers: FaultTimers
  /** None where bits rot: what is damaged cannot be told from what was compacted away. */
  readonly compacted: CompactedLoad | undefined
  readonly #history: FaultHistory
  readonly #mayRot: boolean
  #producers: Producer[] = []
  #remoting: RemotingProducer[] = []
  #generation = 0

  /** `now`: the server's clock. */
  constructor(
    random: SeededRandom,
    history: FaultHistory,
    isSync: boolean,
    mayRot: boolean,
    now: () => number
  ) {
    this.#history = history
    this.#mayRot = mayRot
    this.load = { topic: 'faults', partitions: 3, base: 0, random, record: history.record }
    this.timers = new FaultTimers('fault-timers', random.fork(), isSync)
    const { record } = history
    if (!mayRot)
      this.compacted = new CompactedLoad({ random: random.fork(), base: 100, now, record })
    history.compacted = this.compacted
    this.renew()
  }

  /** Others take the producers' places: what those had sent may be gone, so that they cannot go on. */
  renew(): void {
    const one = (name: string) => `${name}${this.#generation}`
    this.#generation++
    this.#producers = [
      new Producer(one('steady'), true, 1, this.load),
      new Producer(one('eager'), true, 5, this.load),
      new Producer(one('plain'), false, 2, this.load)
    ]
    this.#remoting = [new RemotingProducer(one('remoting'), this.load)]
    this.compacted?.renew()
  }

  /** Resolves when all of them have stopped: the server went, or refused them. */
  async run({ kafka, broker }: Addresses, now: () => number): Promise<void> {
    const { load } = this
    const history = this.#history
    const asked: Asked = {
      topic: load.topic,
      partitions: load.partitions,
      toldEnd: (partition, end) => history.toldEnd(partition, end)
    }
    const all = [
      ...this.#producers.map((producer) => producer.run(kafka)),
      ...this.#remoting.map((producer) => producer.run(broker)),
      consume(kafka, 'faults', load),
      remotingConsume(broker, 'faults-remoting', load),
      ...(this.compacted?.run(kafka) ?? []),
      askLatest(kafka, asked),
      askMaxOffset(broker, asked),
      ...(this.#mayRot ? [] : [this.timers.run(broker, now)])
    ]
    await Promise.all(all.map((one) => one.catch((error) => this.#refused(error))))
  }

  #refused(error: unknown): void {
    if (error instanceof RawError) {
      if (refusals.kafka.includes(error.code)) return
      if (this.#mayRot && error.code === damaged.kafka) return
    }
    if (error instanceof RemotingRefused) {
      if (refusals.rocketmq.includes(error.code)) return
      if (this.#mayRot && error.code === damaged.rocketmq) return
    }
    throw error
  }
}
