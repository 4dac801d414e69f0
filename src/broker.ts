/** What the gateways share: topics, groups and the addresses that clients are told. */
import { Groups } from '../gateway/broker/groups/index.ts'
import { TopicService } from '../gateway/broker/topics.ts'
import { type Engine, type LogSink, systemClock, systemRandom } from '../storage/index.ts'
import { addressMapOf, type Config, pickSettings } from './config.ts'
import { topicSettings } from './part-settings.ts'

export type Broker = Awaited<ReturnType<typeof openBroker>>

/** Reads what is stored of groups. Rejects with StoreError. */
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
    groups: await Groups.open({ engine, ...shared, policy })
  }
}
