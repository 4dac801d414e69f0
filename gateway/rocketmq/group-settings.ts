/**
 * Settings of subscription groups. A group has RocketMQ's defaults until a tool says otherwise; a group that clients
 * name is made with them, and stays until it is deleted.
 */
import type { GroupRow } from '../../storage/state/rows.ts'
import { rocketmqGroupNameFault, toKafkaGroupName } from '../broker/names.ts'
import { subscriptionGroupConfig } from './bodies/subscription-group.ts'
import type { Read } from './codec/index.ts'
import { type Refused, type RocketmqServices, refuse } from './context.ts'
import { responseCodes } from './response-codes.ts'
import { AttributeError, alterAttributes, groupAttributes } from './topic-attributes.ts'

export type GroupSettings = Read<typeof subscriptionGroupConfig>

type Stored = GroupRow['settings']
type Services = Pick<RocketmqServices, 'groups'>

/** Parsed once for each row. */
const parsed = new WeakMap<Stored, GroupSettings>()

/** Said by a real broker with every answer that is no answer. */
export const furtherDetails =
  '\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.'

/** What holds for the group, whether or not it exists. */
export function groupSettingsOf(
  group: string,
  { groups }: { readonly groups: Pick<RocketmqServices['groups'], 'stored'> }
): GroupSettings {
  const stored = groups.stored.get(toKafkaGroupName(group))?.row.settings
  if (stored === undefined) return defaultGroupSettings(group)
  const known = parsed.get(stored)
  if (known !== undefined) return known
  const settings = parseSettings(group, stored)
  parsed.set(stored, settings)
  return settings
}

export function defaultGroupSettings(group: string): GroupSettings {
  return subscriptionGroupConfig.fromJson({ groupName: group }, 'group')
}

/** False for a name that no group may have: nobody consumes as one. */
export function mayBeGroup(name: string): boolean {
  return rocketmqGroupNameFault(name) === undefined
}

/** What settings of one group may take in the store: names and JSON, UTF-8. */
export const groupSettingsBytesMax = 32_768

/** Why a group cannot have the settings; undefined if it can. No group has attributes. */
export function refusalOfGroupSettings(settings: GroupSettings): Refused | undefined {
  const { groupName, attributes } = settings
  const fault = rocketmqGroupNameFault(groupName)
  if (fault !== undefined) {
    const remark = `${groupName} is no name for a group: ${fault}`
    return refuse(responseCodes.INVALID_PARAMETER, remark)
  }
  const bytes = Buffer.byteLength(Object.entries(storedSettings(settings)).flat().join(''))
  if (bytes > groupSettingsBytesMax) {
    const remark = `settings of ${bytes} bytes, allowed are ${groupSettingsBytesMax}`
    return refuse(responseCodes.INVALID_PARAMETER, remark)
  }
  try {
    alterAttributes(groupAttributes, undefined, attributes)
    return undefined
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error
    return refuse(responseCodes.SYSTEM_ERROR, error.message)
  }
}

/** Makes the settings the group's own; they may not be refused. Rejects with StoreError. */
export async function updateGroup(settings: GroupSettings, { groups }: Services): Promise<void> {
  await groups.configure(toKafkaGroupName(settings.groupName), storedSettings(settings))
}

/** Makes the group one of RocketMQ's, if it is none yet, with the defaults. Rejects with StoreError. */
export async function ensureGroup(group: string, { groups }: Services): Promise<void> {
  const stored = groups.stored.get(toKafkaGroupName(group))?.row.settings
  if (stored !== undefined && Object.keys(stored).length > 0) return
  await groups.configure(toKafkaGroupName(group), storedSettings(defaultGroupSettings(group)))
}

/** Each setting by its own name, as the JSON that tools send. */
function storedSettings(settings: GroupSettings): Stored {
  const json = JSON.parse(subscriptionGroupConfig.toJson(settings)) as Record<string, unknown>
  const { groupName: _, ...rest } = json
  return Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, JSON.stringify(value)])
  )
}

function parseSettings(group: string, stored: Stored): GroupSettings {
  const json: Record<string, unknown> = { groupName: group }
  for (const [name, text] of Object.entries(stored)) json[name] = JSON.parse(text)
  return subscriptionGroupConfig.fromJson(json, `group ${group}`)
}
