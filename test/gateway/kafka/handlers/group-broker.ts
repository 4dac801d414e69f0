/** A store on a disk in memory, and the handlers over it, called through the bytes of the version asked for. */
import type { Test } from 'tap'
import { AddressMap } from '../../../../gateway/broker/addresses.ts'
import { ConfigService } from '../../../../gateway/broker/configs.ts'
import { type GroupPolicy, Groups } from '../../../../gateway/broker/groups/index.ts'
import { TopicService } from '../../../../gateway/broker/topics.ts'
import { KafkaBatches } from '../../../../gateway/broker/translate/index.ts'
import {
  type AnyMessage,
  type BodyOf,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Fields,
  type InputOf,
  type Message,
  Reader,
  readRequestBody,
  readRequestHeader
} from '../../../../gateway/kafka/codec/index.ts'
import { defaultKafkaLimits, type RequestContext } from '../../../../gateway/kafka/context.ts'
import { KafkaGroups } from '../../../../gateway/kafka/groups/kafka-groups.ts'
import { routes } from '../../../../gateway/kafka/routes.ts'
import { openStore, type Store } from '../../../../storage/index.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { FaultyDisk } from '../../../support/faulty-disk.ts'
import { memoryIndex } from '../../../support/memory-index.ts'
import { SeededRandom } from '../../../support/seeded-random.ts'

export class GroupBroker {
  readonly clock: FakeClock
  readonly random: SeededRandom
  readonly disk: FaultyDisk
  readonly store: Store
  readonly topics: TopicService
  readonly groups: Groups
  readonly kafka: KafkaGroups
  overloads = 0

  private constructor(disk: FaultyDisk, clock: FakeClock, store: Store, groups: Groups) {
    this.disk = disk
    this.random = disk.random
    this.clock = clock
    this.store = store
    this.groups = groups
    this.topics = new TopicService(store, this.random)
    const { random } = this
    this.kafka = new KafkaGroups({ groups, clock, random, log: () => {} })
  }

  static async open(
    t: Test,
    policy: Partial<GroupPolicy> = {},
    disk = new FaultyDisk({ random: new SeededRandom(1) }),
    clock = new FakeClock()
  ): Promise<GroupBroker> {
    const { random } = disk
    disk.addFolder('/data')
    const log = () => {}
    const store = await openStore({
      folder: '/data',
      fileSystem: disk,
      clock,
      random,
      log,
      openIndex: () => memoryIndex() as never
    })
    const groups = await Groups.open({ engine: store, clock, log, policy })
    const broker = new GroupBroker(disk, clock, store, groups)
    t.teardown(() => broker.close())
    return broker
  }

  async close(): Promise<void> {
    this.kafka.close()
    await this.groups.close()
    try {
      await this.store.close()
    } catch (error) {
      // A store on a disk that is gone cannot close as it should.
      if (!this.disk.stopped) throw error
    }
  }

  /** What a restart after a power cut finds. */
  async reopen(t: Test, policy: Partial<GroupPolicy> = {}): Promise<GroupBroker> {
    const disk = this.disk.powerCut()
    await this.close()
    return await GroupBroker.open(t, policy, disk, this.clock)
  }

  async addTopic(name: string, queueCount = 2): Promise<string> {
    const topic = await this.topics.create({ names: { kafka: name, rocketmq: name }, queueCount })
    return topic.id
  }

  /** The request as bytes to its handler, the response as bytes back. */
  async call<Asked extends Fields, Answered extends Fields>(
    request: Message<Asked>,
    response: Message<Answered>,
    version: number,
    body: InputOf<Message<Asked>>,
    signal: AbortSignal = new AbortController().signal
  ): Promise<BodyOf<Message<Answered>>> {
    const row = routes.find((route) => route.request === (request as AnyMessage))
    if (row === undefined) throw new Error(`${request.name} has no route`)
    const header = { correlationId: 7, clientId: 'app' }
    const frame = Buffer.concat(encodeRequest(request, version, header, body))
    const reader = new Reader(frame.subarray(4))
    readRequestHeader(reader)
    const asked = readRequestBody(request, version, reader)
    const outcome = await row.handle(asked as never, this.context(version, signal))
    const answer = Buffer.concat(encodeResponse(response, version, 7, outcome as never))
    return decodeResponse(response, version, answer.subarray(4)).body
  }

  context(version: number, signal: AbortSignal): RequestContext {
    return {
      engine: this.store,
      topics: this.topics,
      groups: this.kafka,
      addresses: new AddressMap(),
      config: new ConfigService(),
      producerIds: { next: () => Promise.resolve(1) },
      batches: new KafkaBatches(),
      nodeId: 1,
      clusterId: 'c',
      dataFolder: '/data',
      clock: this.clock,
      random: this.random,
      log: () => {},
      limits: defaultKafkaLimits,
      apis: [],
      client: {
        id: 'app',
        host: '127.0.0.1',
        port: 5,
        softwareName: '',
        softwareVersion: '',
        localAddress: '127.0.0.1',
        localPort: 9092
      },
      introduce: () => {},
      version,
      correlationId: 7,
      signal,
      overloaded: () => {
        this.overloads++
      },
      reserveAnswer: (bytes) => bytes,
      releaseAnswer: () => {},
      afterAnswer: () => {},
      inTurn: (prepared) => prepared
    }
  }
}

/** ConsumerProtocolSubscription, version 0. */
export function subscription(...topics: string[]): Buffer {
  const parts = [Buffer.from([0, 0]), int32(topics.length)]
  for (const topic of topics) parts.push(int16(Buffer.byteLength(topic)), Buffer.from(topic))
  parts.push(int32(0))
  return Buffer.concat(parts)
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
