/** What the gateways share: topics, groups and the addresses that clients are told. */
import { ConfigService } from '../gateway/broker/configs.ts'
import { Groups } from '../gateway/broker/groups/index.ts'
import { CountedEngine } from '../gateway/broker/statistics/counted-engine.ts'
import { Traffic } from '../gateway/broker/statistics/traffic.ts'
import { Timers } from '../gateway/broker/timers/index.ts'
import { TopicService } from '../gateway/broker/topics.ts'
import type { Clock, Engine, LogSink, Random } from '../storage/index.ts'
import { addressMapOf, type Config, pickSettings } from './config.ts'
import { retentionSettings, timerSettings, topicSettings } from './part-settings.ts'

export interface BrokerPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
}

export type Broker = Awaited<ReturnType<typeof openBroker>>

/** Settings of topics where a topic has none: those that the server's configuration changes. */
export function topicDefaults({ retentionMs, retentionBytes }: Config): ConfigService {
  const configured: Record<string, string> = {}
  if (retentionMs !== retentionSettings.retentionMs.default)
    configured['log.retention.ms'] = `${retentionMs}`
  if (retentionBytes !== retentionSettings.retentionBytes.default)
    configured['log.retention.bytes'] = `${retentionBytes}`
  return new ConfigService(configured)
}

/**
 * Reads what is stored of groups; timers wait to be started. Rejects with StoreError. `store`: its appends are counted
 * here.
 */
export async function openBroker(
  store: Engine,
  configs: ConfigService,
  config: Config,
  { clock, random, log }: BrokerPorts
) {
  const traffic = new Traffic(clock)
  const engine = new CountedEngine(store, {
    appended: (queue, records, bytes) => traffic.appended(queue, records, bytes)
  })
  const shared = { clock, random, log }
  const { groupRetentionMs, groupCheckIntervalMs, storedGroupsMax } = config
  const policy = {
    retentionMs: groupRetentionMs,
    checkIntervalMs: groupCheckIntervalMs,
    storedGroupsMax
  }
  const groups: Groups = await Groups.open({
    engine: kafkaPlacesCounted(engine, traffic, () => groups),
    ...shared,
    policy
  })
  return {
    ...shared,
    engine,
    traffic,
    configs,
    addresses: addressMapOf(config.advertise),
    topics: new TopicService(engine, random, pickSettings(config, topicSettings)),
    groups,
    timers: await Timers.open({ engine, ...shared, limits: pickSettings(config, timerSettings) })
  }
}

/** Kafka's fetches do not say for which group they are: what its members have read is told by their commits. */
function kafkaPlacesCounted(engine: Engine, traffic: Traffic, groups: () => Groups): Engine {
  return new CountedEngine(engine, {
    watches: (group) => groups().ownership.find(group)?.protocol === 'kafka',
    moved: ({ group, topicId, queue, offset }, from) => {
      if (offset > from) traffic.given(group, topicId, queue, offset - from, 0, offset)
    }
  })
}
