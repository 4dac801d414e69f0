/** GET_ALL_TOPIC_CONFIG (21): the settings of every topic whose name RocketMQ's clients can say. */
import { isReachableFromRocketmq } from '../../broker/names.ts'
import { topicConfig } from '../bodies/topic-config.ts'
import { table } from '../codec/index.ts'
import type { Handler } from '../context.ts'
import type { getAllTopicConfigRequest } from '../headers/get-all-topic-config.ts'
import { versionOf } from '../table-version.ts'
import { autoCreateSettings, topicSettingsOf } from '../topic-settings.ts'

const allSettings = table(topicConfig)

export const getAllTopicConfig: Handler<typeof getAllTopicConfigRequest> = async (_, context) => {
  const all = (await context.topics.list()).filter(({ names }) => isReachableFromRocketmq(names))
  const topicConfigTable = new Map(
    all.map((topic) => [topic.names.rocketmq, topicSettingsOf(topic)])
  )
  if (context.topics.policy.autoCreate) {
    topicConfigTable.set(autoCreateSettings.topicName, autoCreateSettings)
  }
  const changedMs = all.reduce((latest, { createdMs }) => Math.max(latest, createdMs), 0)
  const dataVersion = versionOf(allSettings.toJson(topicConfigTable), changedMs)
  return { body: { topicConfigTable, dataVersion } }
}
