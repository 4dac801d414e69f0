/** The Kafka side of a server: services over an open store, and their listener. */
import { resolve } from 'node:path'
import { CountedEngine } from '../gateway/broker/statistics/counted-engine.ts'
import { KafkaBatches } from '../gateway/broker/translate/index.ts'
import { errorCodes } from '../gateway/kafka/error-codes.ts'
import { KafkaGroups } from '../gateway/kafka/groups/kafka-groups.ts'
import {
  defaultKafkaLimits,
  type KafkaServices,
  kafkaListener,
  ProducerIdBlocks
} from '../gateway/kafka/server.ts'
import type { Listener, TcpShared } from '../gateway/tcp/index.ts'
import type { Broker } from './broker.ts'
import { type Config, pickSettings } from './config.ts'
import type { MeasuredListener } from './http/metrics.ts'
import { RequestFigures } from './http/request-figures.ts'
import { groupSettings } from './part-settings.ts'

/** The one node's id. Clients keep it over restarts, so it never changes. */
const nodeId = 1

export interface KafkaSide {
  readonly listener: Listener
  readonly measured: MeasuredListener
  /** Ends what runs by the clock; the listener is closed before. */
  close(): void
}

/** Wires the services; nothing listens yet. */
export function openKafka(broker: Broker, tcp: TcpShared, config: Config): KafkaSide {
  const { configs, topics, traffic, addresses, clock, random, log } = broker
  const engine = new CountedEngine(broker.engine, {
    read: (records, bytes) => traffic.read(records, bytes)
  })
  const settings = pickSettings(config, groupSettings)
  const groups = new KafkaGroups({ groups: broker.groups, clock, random, log, settings })
  const services: KafkaServices = {
    engine,
    topics,
    groups,
    addresses,
    config: configs,
    producerIds: new ProducerIdBlocks(engine),
    batches: new KafkaBatches(),
    nodeId,
    clusterId: engine.info.clusterId,
    dataFolder: resolve(config.data),
    clock,
    random,
    log,
    limits: pickSettings(config, defaultKafkaLimits)
  }
  const figures = new RequestFigures()
  const listener = kafkaListener(services, tcp, figures)
  return {
    listener,
    measured: { protocol: 'kafka', figures, counters: listener.counters, errorName },
    close: () => groups.close()
  }
}

const errorNames = new Map<number, string>(
  Object.entries(errorCodes).map(([name, code]) => [code, name])
)

function errorName(code: number): string {
  return errorNames.get(code) ?? `${code}`
}
