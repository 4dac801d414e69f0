/** What the gateways share: topics, groups and the addresses that clients are told. */
import { Groups } from '../gateway/broker/groups/index.ts'
import { Timers } from '../gateway/broker/timers/index.ts'
import { TopicService } from '../gateway/broker/topics.ts'
import { type Engine, type LogSink, systemClock, systemRandom } from '../storage/index.ts'
import { addressMapOf, type Config, pickSettings } from './config.ts'
import { timerSettings, topicSettings } from './part-settings.ts'

export type Broker = Awaited<ReturnType<typeof openBroker>>

/** Reads what is stored of groups; timers wait to be started. Rejects with StoreError. */
export async function openBroker(engine: Engine, config: Config, log: LogSink) {
  const shared = { clock: systemClock, random: systemRandom, log }
  const { groupRetentionMs, groupCheckIntervalMs, storedGroupsMax } = config
  const policy = {
    retentionMs: groupRetentionMs,
    checkIntervalMs: groupCheckIntervalMs,
    storedGroupsMax
  }
  return {
    ...shared,
    engine,
    addresses: addressMapOf(config.advertise),
    topics: new TopicService(engine, systemRandom, pickSettings(config, topicSettings)),
    groups: await Groups.open({ engine, ...shared, policy }),
    timers: await Timers.open({ engine, ...shared, limits: pickSettings(config, timerSettings) })
  }
}
