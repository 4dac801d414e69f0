/**
 * A topic's settings as RocketMQ's tools see and change them (TopicConfig). What Kafka has no word for is kept in the
 * topic's hidden settings.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Topic, TopicPerm } from '../../storage/contract.ts'
import { hiddenSetting, hiddenSettings } from '../broker/hidden-settings.ts'
import { rocketmqTopicNameMax, topicNamesFromRocketmq } from '../broker/names.ts'
import { TopicError } from '../broker/topic-errors.ts'
import type { TopicEdit, TopicWish } from '../broker/topics.ts'
import { multiTagsFlag } from '../broker/translate/index.ts'
import { type Refused, type RequestContext, refuse } from './context.ts'
import { autoCreateQueuesMax, autoCreateTopic, findTopic, topicNameFault } from './known-topics.ts'
import { responseCodes } from './response-codes.ts'
import { systemTopicFault } from './system-topics.ts'
import {
  AttributeError,
  alterAttributes,
  cleanupPolicyAttribute,
  messageTypeAttribute,
  topicAttributes
} from './topic-attributes.ts'

export interface TopicSettings {
  readonly topicName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  readonly perm: number
  readonly topicFilterType: string
  readonly topicSysFlag: number
  readonly order: boolean
  readonly attributes: ReadonlyMap<string, string>
}

/** Settings that a tool asks for; `changes` is what becomes of the attributes, each with its sign. */
export interface WantedSettings extends Omit<TopicSettings, 'attributes'> {
  readonly changes: ReadonlyMap<string, string>
}

/** PermName: what clients may do with a topic. */
export const readPerm = 4
export const writePerm = 2
/** Says of TBW102 that topics are made like it. */
const inheritPerm = 1
/** What else a tool may say is kept, and means nothing. */
const permMask = readPerm | writePerm
const defaultFilterType = 'SINGLE_TAG'
const multiTagFilterType = 'MULTI_TAG'
const filterTypes = [defaultFilterType, multiTagFilterType]
const attributePrefix = 'attribute.'

/** Told with success: a real broker forgets to say that there is nothing to say. */
export const topicUpdated = { remark: 'not set any response code' } as const

/** What TBW102 has, where topics are made by sending. */
export const autoCreateSettings: TopicSettings = {
  topicName: autoCreateTopic,
  readQueueNums: autoCreateQueuesMax,
  writeQueueNums: autoCreateQueuesMax,
  perm: readPerm | writePerm | inheritPerm,
  topicFilterType: defaultFilterType,
  topicSysFlag: 0,
  order: false,
  attributes: new Map()
}

export function topicSettingsOf(topic: Topic): TopicSettings {
  const hidden = hiddenSettings(topic.config)
  const perm = Number(hidden.perm ?? topic.perm)
  return {
    topicName: topic.names.rocketmq,
    readQueueNums: topic.readQueues,
    writeQueueNums: topic.writeQueues,
    perm: (perm & permMask) === topic.perm ? perm : topic.perm,
    topicFilterType: hidden.topicFilterType ?? defaultFilterType,
    topicSysFlag: Number(hidden.topicSysFlag ?? 0),
    order: hidden.order === 'true',
    attributes: attributesIn(hidden)
  }
}

/** The flags that a message gets in the topic, besides those that its sender gave it. */
export function flagsInTopic({ config }: Topic, sysFlag: number): number {
  const isMultiTag = hiddenSetting(config, 'topicFilterType') === multiTagFilterType
  return isMultiTag ? sysFlag | multiTagsFlag : sysFlag
}

/** Whether every message needs a key, since the topic keeps the latest of each. */
export function needsKeys({ config }: Topic): boolean {
  return (config['cleanup.policy'] ?? '').includes('compact')
}

/** Why the settings cannot be; undefined if they can. The order is a real broker's. */
export function refusalOfSettings(
  wanted: WantedSettings,
  context: RequestContext
): Refused | undefined {
  const { topicName: name, topicFilterType, readQueueNums, writeQueueNums } = wanted
  if (!filterTypes.includes(topicFilterType)) {
    const remark = `topicFilterType = [${topicFilterType}] value invalid`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const fault = nameFault(name) ?? systemTopicFault(name, context)
  if (fault !== undefined) return refuse(responseCodes.INVALID_PARAMETER, fault)
  if (wanted.changes.get(`+${messageTypeAttribute}`) === 'MIXED') {
    return refuse(responseCodes.INVALID_PARAMETER, 'MIXED message type is not supported.')
  }
  if (readQueueNums >= 0 && writeQueueNums >= 0) return undefined
  const remark = `readQueueNums=${readQueueNums}, writeQueueNums=${writeQueueNums} is less than 0`
  return refuse(responseCodes.INVALID_PARAMETER, remark)
}

/** Retry and dead-letter topics may have longer names, but not from tools. */
function nameFault(name: string): string | undefined {
  const fault = topicNameFault(name.trim() === '' ? '' : name)
  if (fault !== undefined || name.length <= rocketmqTopicNameMax) return fault
  return 'The specified topic is longer than topic max length.'
}

/** Makes or changes the topic; the refusal where that cannot be. Throws TopicError. */
export async function updateTopic(
  wanted: WantedSettings,
  context: RequestContext
): Promise<Refused | undefined> {
  const refused = refusalOfSettings(wanted, context)
  if (refused !== undefined) return refused
  try {
    await makeOrEdit(wanted, context)
    return undefined
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error
    return refuse(responseCodes.SYSTEM_ERROR, error.message)
  }
}

/** The topic may be made or deleted by others meanwhile. */
const attemptsMax = 3

async function makeOrEdit(wanted: WantedSettings, context: RequestContext): Promise<void> {
  const { topicName: name } = wanted
  for (let attempt = 1; ; attempt++) {
    const topic = await findTopic(context, name)
    try {
      if (topic === undefined) await context.topics.create(wishOf(wanted))
      else await context.topics.edit(topic.id, (present) => editOf(present, wanted, context))
      return
    } catch (error) {
      const isOther = error instanceof TopicError && attempt < attemptsMax
      const isRaced = isOther && ['topic-exists', 'topic-unknown'].includes(error.code)
      if (!isRaced) throw error
    }
  }
}

function wishOf(wanted: WantedSettings): TopicWish {
  const { topicName, readQueueNums: readQueues, writeQueueNums: writeQueues } = wanted
  const attributes = alterAttributes(topicAttributes, undefined, wanted.changes)
  const isCompacted = attributes.get(cleanupPolicyAttribute) === 'COMPACTION'
  return {
    names: topicNamesFromRocketmq(topicName),
    queueCount: Math.max(readQueues, writeQueues, 1),
    readQueues,
    writeQueues,
    ...(isCompacted ? { config: { 'cleanup.policy': 'compact' } } : {}),
    ...fieldsOf(wanted, attributes)
  }
}

/**
 * Undefined where a tool says what there is, attributes without their signs: then routes stay as they are, too.
 */
function editOf(
  topic: Topic,
  wanted: WantedSettings,
  { routePerms }: RequestContext
): TopicEdit | undefined {
  const present = topicSettingsOf(topic)
  const { changes, ...rest } = wanted
  const isSame = Object.entries(rest).every(
    ([name, value]) => present[name as keyof TopicSettings] === value
  )
  if (isSame && isDeepStrictEqual(changes, present.attributes)) return undefined
  const attributes = alterAttributes(topicAttributes, present.attributes, changes)
  routePerms.forget(wanted.topicName)
  return {
    readQueues: wanted.readQueueNums,
    writeQueues: wanted.writeQueueNums,
    ...fieldsOf(wanted, attributes)
  }
}

function fieldsOf(
  wanted: WantedSettings,
  attributes: ReadonlyMap<string, string>
): Pick<TopicEdit & TopicWish, 'perm' | 'messageType' | 'hidden'> {
  const { perm, topicFilterType, topicSysFlag, order } = wanted
  const hidden: Record<string, string> = {}
  if ((perm & permMask) !== perm) hidden.perm = `${perm}`
  if (topicFilterType !== defaultFilterType) hidden.topicFilterType = topicFilterType
  if (topicSysFlag !== 0) hidden.topicSysFlag = `${topicSysFlag}`
  if (order) hidden.order = 'true'
  for (const [name, value] of attributes) hidden[attributePrefix + name] = value
  return {
    perm: (perm & permMask) as TopicPerm,
    messageType: attributes.get(messageTypeAttribute) ?? 'NORMAL',
    hidden
  }
}

function attributesIn(hidden: Readonly<Record<string, string>>): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [name, value] of Object.entries(hidden)) {
    if (name.startsWith(attributePrefix)) attributes.set(name.slice(attributePrefix.length), value)
  }
  return attributes
}

/** Says whether messages of the topic are in a global order; Kafka's topics never are. */
export async function setTopicOrder(
  topic: Topic,
  order: boolean,
  { topics }: Pick<RequestContext, 'topics'>
): Promise<void> {
  if (topicSettingsOf(topic).order === order) return
  await topics.edit(topic.id, ({ config }) => {
    const { order: _, ...rest } = hiddenSettings(config)
    return { hidden: order ? { ...rest, order: 'true' } : rest }
  })
}
