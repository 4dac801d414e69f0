/** The Kafka gateway over an in-memory connection, on the real store on a disk in memory. */
import type { Test } from 'tap'
import { AddressMap } from '../../../gateway/broker/addresses.ts'
import { ConfigService } from '../../../gateway/broker/configs.ts'
import { topicNamesFromKafka } from '../../../gateway/broker/names.ts'
import { TopicService } from '../../../gateway/broker/topics.ts'
import { KafkaBatches } from '../../../gateway/broker/translate/index.ts'
import {
  type BodyOf,
  decodeResponse,
  encodeRequest,
  type Fields,
  type InputOf,
  type Message
} from '../../../gateway/kafka/codec/index.ts'
import { defaultKafkaLimits, type KafkaServices } from '../../../gateway/kafka/context.ts'
import { kafkaProtocol, type RequestObserver } from '../../../gateway/kafka/dispatch.ts'
import { ProducerIdBlocks } from '../../../gateway/kafka/producer-ids.ts'
import { type Route, routes } from '../../../gateway/kafka/routes.ts'
import { Connection } from '../../../gateway/tcp/connection.ts'
import { newTcpCounters } from '../../../gateway/tcp/counters.ts'
import { type TcpLimits, tcpLimits } from '../../../gateway/tcp/limits.ts'
import { tcpShared } from '../../../gateway/tcp/listener.ts'
import {
  type BatchOptions,
  encodeBatch,
  type NewRecord
} from '../../../storage/batch/encode-batch.ts'
import type { Database } from '../../../storage/databases.ts'
import { type Engine, openStore, systemTurns, type Topic } from '../../../storage/index.ts'
import { FakeClock, settled } from '../../support/fake-clock.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { memoryIndex } from '../../support/memory-index.ts'
import { type MemorySocket, memoryPair } from '../../support/memory-pair.ts'
import { seededRandom } from '../../support/seeded-random.ts'

export interface RigOptions {
  readonly limits?: Partial<TcpLimits>
  readonly table?: readonly Route[]
}

export interface Handled {
  readonly api: string
  readonly version: number
  readonly errorCode: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: Record<string, unknown>
}

/** Calls of the engine that a test puts in place of the store's. */
export type EngineChanges = { -readonly [K in keyof Engine]?: Engine[K] }

export async function kafkaRig(t: Test, options: RigOptions = {}): Promise<KafkaRig> {
  const clock = new FakeClock()
  const random = seededRandom(t)
  const disk = new FaultyDisk({ random: random.fork() })
  const databases = new Map<string, Database>()
  const openIndex = (path: string) => {
    const made = memoryIndex() as unknown as Database
    const database = databases.get(path) ?? made
    databases.set(path, database)
    return database
  }
  const store = await openStore({
    folder: '/data',
    fileSystem: disk,
    clock,
    random,
    log: () => {},
    openIndex
  })
  t.teardown(() => store.close())
  return new KafkaRig(store, clock, random, options)
}

export class KafkaRig {
  readonly clock: FakeClock
  readonly store: Engine
  /** What handlers see: the store, but for what is put here. */
  readonly changes: EngineChanges = {}
  readonly services: KafkaServices
  readonly log: LogLine[] = []
  readonly handled: Handled[] = []
  readonly #limits: TcpLimits
  readonly #shared
  readonly #protocol

  constructor(
    store: Engine,
    clock: FakeClock,
    random: ReturnType<typeof seededRandom>,
    { limits, table = routes }: RigOptions
  ) {
    this.clock = clock
    this.store = store
    const engine = frontOf(store, this.changes)
    this.services = {
      engine,
      topics: new TopicService(engine, random),
      groups: {} as KafkaServices['groups'],
      addresses: new AddressMap(),
      config: new ConfigService(),
      producerIds: new ProducerIdBlocks(engine),
      batches: new KafkaBatches(),
      nodeId: 0,
      clusterId: store.info.clusterId,
      dataFolder: '/data',
      clock,
      random,
      log: () => {},
      limits: defaultKafkaLimits
    }
    this.#limits = tcpLimits(limits)
    const log = (level: string, event: string, fields: Record<string, unknown> = {}) =>
      this.log.push({ level, event, fields })
    const shared = tcpShared(this.#limits, clock, log, systemTurns)
    this.#shared = { ...shared, counters: newTcpCounters() }
    const observer: RequestObserver = {
      handled: (api, version, errorCode, _latencyMs, bytesIn, bytesOut) =>
        this.handled.push({ api, version, errorCode, bytesIn, bytesOut })
    }
    this.#protocol = kafkaProtocol(this.services, 16, observer, table)
  }

  get load() {
    return this.#shared.load
  }

  get events(): string[] {
    return this.log.map(({ event }) => event)
  }

  connect(): KafkaClient {
    const { server, client } = memoryPair()
    const endpoints = {
      remoteAddress: '127.0.0.1',
      remotePort: 40_000,
      localAddress: '127.0.0.1',
      localPort: 9092
    }
    const connection = new Connection(1, server, endpoints, this.#protocol, this.#shared, () => {})
    server.on('data', (chunk: Buffer) => connection.receive(chunk, false))
    return new KafkaClient(client, connection)
  }

  createTopic(name: string, queueCount = 2, config: Record<string, string> = {}): Promise<Topic> {
    return this.services.topics.create({ names: topicNamesFromKafka(name), queueCount, config })
  }

  /** Appends a batch past the gateway. Returns its base offset. */
  async append(topic: Topic, queue: number, ...values: string[]): Promise<number> {
    const timestamp = this.clock.now()
    const batch = encodeBatch(values.map((value) => ({ timestamp, value: Buffer.from(value) })))
    const append = {
      queue: topic.queues[queue] as number,
      batches: [batch],
      origin: 'kafka'
    } as const
    const result = await this.store.commit({ appends: [append] })
    return result.appends[0]?.baseOffset ?? -1
  }
}

function frontOf(store: Engine, changes: EngineChanges): Engine {
  return new Proxy(store, {
    get(_target, name) {
      const changed = changes[name as keyof Engine]
      if (changed !== undefined) return changed
      const own = store[name as keyof Engine]
      return typeof own === 'function' ? (own as () => unknown).bind(store) : own
    }
  })
}

/** The records' batch as a producer sends it, dated at the fake clock's start. */
export function batchOf(
  records: readonly Partial<NewRecord>[],
  options: BatchOptions = {}
): Buffer {
  const all = records.map((record) => ({ timestamp: 1_750_000_000_000, ...record }))
  return encodeBatch(all, options).bytes
}

export function values(...texts: string[]): Buffer {
  return batchOf(texts.map((text) => ({ value: Buffer.from(text) })))
}

export class KafkaClient {
  readonly socket: MemorySocket
  readonly connection: Connection
  closed = false
  #received = Buffer.alloc(0)
  #correlationId = 0

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

  /** Sends a request and returns its correlation id. */
  send<F extends Fields>(request: Message<F>, version: number, body: InputOf<Message<F>>): number {
    const correlationId = ++this.#correlationId
    const chunks = encodeRequest(request, version, { correlationId, clientId: 'test' }, body)
    this.socket.write(Buffer.concat(chunks))
    return correlationId
  }

  /** The next answer's frame without its length; undefined if the connection closed, or nothing comes. */
  async nextFrame(): Promise<Buffer | undefined> {
    for (let round = 0; round < 500; round++) {
      const received = this.#received
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0)
        this.#received = received.subarray(end)
        return received.subarray(4, end)
      }
      if (this.closed) return undefined
      await settled(1)
    }
    return undefined
  }

  async ask<Asked extends Fields, Answered extends Fields>(
    request: Message<Asked>,
    response: Message<Answered>,
    version: number,
    body: InputOf<Message<Asked>>
  ): Promise<BodyOf<Message<Answered>>> {
    const correlationId = this.send(request, version, body)
    return this.receive(response, version, correlationId)
  }

  async receive<Answered extends Fields>(
    response: Message<Answered>,
    version: number,
    correlationId: number
  ): Promise<BodyOf<Message<Answered>>> {
    const frame = await this.nextFrame()
    if (frame === undefined) throw new Error('no answer came')
    const decoded = decodeResponse(response, version, frame)
    if (decoded.correlationId !== correlationId) {
      throw new Error(`answer to ${decoded.correlationId}, not ${correlationId}`)
    }
    return decoded.body
  }
}
