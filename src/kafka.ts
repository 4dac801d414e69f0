/** The Kafka side of a server: services over an open store, and their listener. */
import { ConfigService } from '../gateway/broker/configs.ts'
import { Groups } from '../gateway/broker/groups/index.ts'
import { TopicService } from '../gateway/broker/topics.ts'
import { errorCodes } from '../gateway/kafka/error-codes.ts'
import { KafkaGroups } from '../gateway/kafka/groups/kafka-groups.ts'
import {
  defaultKafkaLimits,
  type KafkaServices,
  kafkaListener,
  ProducerIdBlocks
} from '../gateway/kafka/server.ts'
import type { Listener, TcpShared } from '../gateway/tcp/index.ts'
import { type Engine, type LogSink, systemClock, systemRandom } from '../storage/index.ts'
import { addressMapOf, type Config, pickSettings } from './config.ts'
import type { MeasuredListener } from './http/metrics.ts'
import { RequestFigures } from './http/request-figures.ts'
import { groupSettings, topicSettings } from './part-settings.ts'

/** The one node's id. Clients keep it over restarts, so it never changes. */
const nodeId = 1

export interface KafkaSide {
  readonly listener: Listener
  readonly measured: MeasuredListener
  /** Ends what runs by the clock; the listener is closed before. */
  close(): Promise<void>
}

/** Wires the services; nothing listens yet. Rejects with StoreError. */
export async function openKafka(
  engine: Engine,
  tcp: TcpShared,
  config: Config,
  log: LogSink
): Promise<KafkaSide> {
  const shared = { clock: systemClock, random: systemRandom, log }
  const { groupRetentionMs, groupCheckIntervalMs, storedGroupsMax } = config
  const stored = await Groups.open({
    engine,
    ...shared,
    policy: {
      retentionMs: groupRetentionMs,
      checkIntervalMs: groupCheckIntervalMs,
      storedGroupsMax
    }
  })
  const settings = pickSettings(config, groupSettings)
  const groups = new KafkaGroups({ groups: stored, ...shared, settings })
  const services: KafkaServices = {
    engine,
    topics: new TopicService(engine, systemRandom, pickSettings(config, topicSettings)),
    groups,
    addresses: addressMapOf(config.advertise),
    config: new ConfigService(),
    producerIds: new ProducerIdBlocks(engine),
    nodeId,
    clusterId: engine.info.clusterId,
    ...shared,
    limits: pickSettings(config, defaultKafkaLimits)
  }
  const figures = new RequestFigures()
  const listener = kafkaListener(services, tcp, figures)
  return {
    listener,
    measured: { protocol: 'kafka', figures, counters: listener.counters, errorName },
    close: async () => {
      groups.close()
      await stored.close()
    }
  }
}

const errorNames = new Map<number, string>(
  Object.entries(errorCodes).map(([name, code]) => [code, name])
)

function errorName(code: number): string {
  return errorNames.get(code) ?? `${code}`
}
