/** Asks the Kafka gateway as a connection does, bytes in and bytes out, over an engine that has topics only. */
import type { Test } from 'tap'
import { AddressMap, parseAdvertise } from '../../gateway/broker/addresses.ts'
import { ConfigService } from '../../gateway/broker/configs.ts'
import { topicNamesFromKafka } from '../../gateway/broker/names.ts'
import { type TopicPolicy, TopicService } from '../../gateway/broker/topics.ts'
import {
  type BodyOf,
  decodeResponse,
  encodeRequest,
  type Fields,
  type InputOf,
  type Message
} from '../../gateway/kafka/codec/index.ts'
import { defaultKafkaLimits, type KafkaServices } from '../../gateway/kafka/context.ts'
import { kafkaProtocol } from '../../gateway/kafka/dispatch.ts'
import { defaultGroupSettings } from '../../gateway/kafka/groups/settings.ts'
import { partsOf } from '../../gateway/tcp/index.ts'
import type { NewTopic, Topic } from '../../storage/contract.ts'
import { FakeClock } from './fake-clock.ts'
import { MemoryTopics } from './memory-topics.ts'
import { seededRandom } from './seeded-random.ts'

export interface AskerOptions {
  readonly policy?: Partial<TopicPolicy>
  readonly serverValues?: Readonly<Record<string, string>>
  readonly advertise?: readonly string[]
  /** The address that the client dialled. */
  readonly localAddress?: string
  readonly localPort?: number
  readonly nodeId?: number
  readonly clusterId?: string
}

export const nodeId = 7
export const clusterId = 'J8yxVOWMQmWsx4Y2o4q1Qg'

export function startAsker(t: Test, options: AskerOptions = {}) {
  const store = new MemoryTopics()
  const random = seededRandom(t)
  const services = {
    engine: store.engine,
    topics: new TopicService(store.engine, random, options.policy),
    addresses: new AddressMap((options.advertise ?? []).map(parseAdvertise)),
    config: new ConfigService(options.serverValues),
    groups: { coordinator: { settings: defaultGroupSettings } },
    clock: new FakeClock(),
    random,
    log: () => {},
    limits: defaultKafkaLimits,
    nodeId: options.nodeId ?? nodeId,
    clusterId: options.clusterId ?? clusterId
  } as unknown as KafkaServices
  let overloads = 0
  const session = kafkaProtocol(services, 1, { handled: () => {} }).open({
    id: 1,
    endpoints: {
      remoteAddress: '127.0.0.1',
      remotePort: 40_000,
      localAddress: options.localAddress ?? '127.0.0.1',
      localPort: options.localPort ?? 9092
    },
    signal: new AbortController().signal,
    send: () => {},
    waitingBytes: 0,
    overloaded: () => {
      overloads++
    },
    reserveAnswer: (bytes) => bytes,
    releaseAnswer: () => {}
  })
  let correlationId = 0

  async function ask<Asked extends Fields, Answered extends Fields>(
    request: Message<Asked>,
    response: Message<Answered>,
    version: number,
    body: InputOf<Message<Asked>>
  ): Promise<BodyOf<Message<Answered>>> {
    correlationId++
    const frame = Buffer.concat(
      encodeRequest(request, version, { correlationId, clientId: 'asker' }, body)
    )
    const decoded = decodeResponse(response, version, await askFrame(frame.subarray(4)))
    if (decoded.correlationId !== correlationId) throw new Error('foreign correlation id')
    return decoded.body
  }

  /** A whole request without its length, answered by a whole response without its. */
  async function askFrame(frame: Buffer): Promise<Buffer> {
    const answer = await session.handle(frame)
    if (answer === null) throw new Error('the connection was closed')
    const { chunks, done } = partsOf(answer)
    const whole = Buffer.concat(chunks).subarray(4)
    done?.()
    return whole
  }

  let nextId = 1
  /** A topic that is there. */
  function add(kafkaName: string, rest: Partial<NewTopic> = {}): Topic {
    const id = (nextId++).toString(16).padStart(32, '0')
    return store.add({ id, names: topicNamesFromKafka(kafkaName), queueCount: 1, ...rest })
  }

  return { store, ask, askFrame, add, overloads: () => overloads }
}

/** Every version that is served. */
export function versionsOf(request: Message<Fields>): number[] {
  const [first, last] = request.versions
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
