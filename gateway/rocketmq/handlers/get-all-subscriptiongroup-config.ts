/**
 * GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201): the settings of every group whose name RocketMQ's clients can say, Kafka's
 * too, and of the groups that every RocketMQ has.
 */
import { subscriptionGroupConfig } from '../bodies/subscription-group.ts'
import { table } from '../codec/index.ts'
import type { Handler } from '../context.ts'
import { defaultGroupSettings, groupSettingsOf, mayBeGroup } from '../group-settings.ts'
import type { getAllSubscriptiongroupConfigRequest } from '../headers/get-all-subscriptiongroup-config.ts'
import { versionOf } from '../table-version.ts'

/** SubscriptionGroupManager.init */
const systemGroups = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS'
]

const allSettings = table(subscriptionGroupConfig)

export const getAllSubscriptiongroupConfig: Handler<typeof getAllSubscriptiongroupConfigRequest> = (
  _,
  context
) => {
  const subscriptionGroupTable = new Map(
    systemGroups.map((group) => [group, defaultGroupSettings(group)])
  )
  for (const [, { row }] of context.groups.stored.entries()) {
    const { rocketmq: group } = row.names
    if (mayBeGroup(group)) subscriptionGroupTable.set(group, groupSettingsOf(group, context))
  }
  const dataVersion = versionOf(allSettings.toJson(subscriptionGroupTable), 0)
  return { body: { subscriptionGroupTable, forbiddenTable: new Map(), dataVersion } }
}
