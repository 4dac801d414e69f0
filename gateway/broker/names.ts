/**
 * The one namespace of topics and groups, as both protocols spell it. Pure functions, each the other's inverse where
 * both are defined; a topic or group row holds both spellings, computed here once.
 *
 * | | Kafka | RocketMQ |
 * |---|---|---|
 * | topic | `[a-zA-Z0-9._-]`, 1 to 249, not `.` or `..` | `[%\|a-zA-Z0-9_-]`, 1 to 127 (`%RETRY%`, `%DLQ%`: 255) |
 * | group | any text, 1 to 32,767 bytes of UTF-8 | `[%\|a-zA-Z0-9_-]`, 1 to 120 |
 *
 * Kafka to RocketMQ: `.` (in groups every byte outside RocketMQ's alphabet, and `|` itself) becomes `|XX`, upper-case
 * hexadecimal. RocketMQ to Kafka: a name all of whose `|` are such escapes, each of a byte that needed one, is the
 * name they decode to. Any other name with a character that Kafka's alphabet lacks is `rmq.name.` and the name with
 * `%` as `.25` and `|` as `.7C`; `%RETRY%g` and `%DLQ%g` are `rmq.retry.g` and `rmq.dlq.g`, g written the same way.
 */
import type { TopicNames } from '../../storage/contract.ts'

/** Kafka's Topic.MAX_NAME_LENGTH, characters. */
export const kafkaTopicNameMax = 249
/** What fits Kafka's 16-bit string length, bytes of UTF-8. */
export const kafkaGroupNameMaxBytes = 32_767
/** RocketMQ's Validators.TOPIC_MAX_LENGTH, characters. */
export const rocketmqTopicNameMax = 127
/** RocketMQ's limit for retry and dead-letter topics, characters. */
export const rocketmqGroupTopicNameMax = 255
/** RocketMQ's Validators.CHARACTER_MAX_LENGTH for groups, characters. */
export const rocketmqGroupNameMax = 120

/** Names that begin so are made by this server or through RocketMQ, never by a Kafka client. */
export const reservedPrefix = 'rmq.'

const namePrefix = 'rmq.name.'
/** RocketMQ's prefix of a group's topic, and Kafka's for the same. */
const groupTopicPrefixes = [
  ['%RETRY%', 'rmq.retry.'],
  ['%DLQ%', 'rmq.dlq.']
] as const

export type NameFault = 'empty' | 'too-long' | 'illegal-character' | 'only-dots' | 'reserved'

/** Why a Kafka client may not create a topic of that name; undefined if it may (Kafka's Topic.validate). */
export function kafkaTopicNameFault(name: string): NameFault | undefined {
  if (name === '') return 'empty'
  if (name === '.' || name === '..') return 'only-dots'
  if (name.length > kafkaTopicNameMax) return 'too-long'
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return 'illegal-character'
  return name.startsWith(reservedPrefix) ? 'reserved' : undefined
}

/** Whether a topic may have that name at all, whoever made it. */
export function isKafkaTopicName(name: string): boolean {
  const fault = kafkaTopicNameFault(name)
  return fault === undefined || fault === 'reserved'
}

/** Why a RocketMQ client may not create a topic of that name; undefined if it may. */
export function rocketmqTopicNameFault(name: string): NameFault | undefined {
  if (name === '') return 'empty'
  if (name.length > rocketmqTopicNameLimit(name)) return 'too-long'
  if (!isRocketmqText(name)) return 'illegal-character'
  // The name that Kafka clients will see has Kafka's limit.
  return toKafkaTopicName(name).length > kafkaTopicNameMax ? 'too-long' : undefined
}

/** Why a Kafka client may not use a group of that name; undefined if it may. */
export function kafkaGroupNameFault(name: string): NameFault | undefined {
  if (name === '') return 'empty'
  if (Buffer.byteLength(name) > kafkaGroupNameMaxBytes) return 'too-long'
  if (/\p{Surrogate}/u.test(name)) return 'illegal-character'
  return toRocketmqGroupName(name) === undefined ? 'reserved' : undefined
}

/** Why a RocketMQ client may not use a group of that name; undefined if it may. */
export function rocketmqGroupNameFault(name: string): NameFault | undefined {
  if (name === '') return 'empty'
  if (name.length > rocketmqGroupNameMax) return 'too-long'
  return isRocketmqText(name) ? undefined : 'illegal-character'
}

/**
 * A topic's name as RocketMQ clients say it. Defined for every name that Kafka's rules allow, but for those in `rmq.`
 * that no RocketMQ name maps to. The result may be too long for RocketMQ (`isReachableFromRocketmq`).
 */
export function toRocketmqTopicName(kafkaName: string): string | undefined {
  if (!kafkaName.startsWith(reservedPrefix)) return kafkaName.replaceAll('.', '|2E')
  const rocketmqName = undoPrefix(kafkaName)
  return rocketmqName !== undefined && toKafkaTopicName(rocketmqName) === kafkaName
    ? rocketmqName
    : undefined
}

/** A topic's name as Kafka clients say it. Defined for every name in RocketMQ's alphabet. */
export function toKafkaTopicName(rocketmqName: string): string {
  for (const [theirs, ours] of groupTopicPrefixes) {
    if (rocketmqName.startsWith(theirs) && rocketmqName.length > theirs.length) {
      return ours + spellForKafka(rocketmqName.slice(theirs.length))
    }
  }
  const plain = rocketmqName.replaceAll('|2E', '.')
  // What is decoded must be a name that a Kafka client could have made: then nothing else maps to it.
  return kafkaTopicNameFault(plain) === undefined ? plain : namePrefix + spellForKafka(rocketmqName)
}

/** A group's name as RocketMQ clients say it; undefined for names in `rmq.name.` that no RocketMQ group maps to. */
export function toRocketmqGroupName(kafkaName: string): string | undefined {
  if (!kafkaName.startsWith(namePrefix)) return escapeGroup(kafkaName)
  const rocketmqName = undoPrefix(kafkaName)
  return rocketmqName !== undefined && toKafkaGroupName(rocketmqName) === kafkaName
    ? rocketmqName
    : undefined
}

/** A group's name as Kafka clients say it. Defined for every name in RocketMQ's alphabet. */
export function toKafkaGroupName(rocketmqName: string): string {
  const decoded = unescapeGroup(rocketmqName)
  const isPlain = escapeGroup(decoded) === rocketmqName && !decoded.startsWith(namePrefix)
  return isPlain ? decoded : namePrefix + spellForKafka(rocketmqName)
}

/** Both names of a topic that a Kafka client creates. The name must have no fault. */
export function topicNamesFromKafka(kafkaName: string): TopicNames {
  return { kafka: kafkaName, rocketmq: toRocketmqTopicName(kafkaName) ?? kafkaName }
}

/** Both names of a topic that a RocketMQ client creates. The name must have no fault. */
export function topicNamesFromRocketmq(rocketmqName: string): TopicNames {
  return { kafka: toKafkaTopicName(rocketmqName), rocketmq: rocketmqName }
}

/** Both names of a group that a Kafka client uses. The name must have no fault. */
export function groupNamesFromKafka(kafkaName: string): TopicNames {
  return { kafka: kafkaName, rocketmq: toRocketmqGroupName(kafkaName) ?? kafkaName }
}

/** Both names of a group that a RocketMQ client uses. The name must have no fault. */
export function groupNamesFromRocketmq(rocketmqName: string): TopicNames {
  return { kafka: toKafkaGroupName(rocketmqName), rocketmq: rocketmqName }
}

/** False for a topic whose name is too long for RocketMQ's clients. */
export function isReachableFromRocketmq(names: TopicNames): boolean {
  return names.rocketmq.length <= rocketmqTopicNameLimit(names.rocketmq)
}

/** Kafka refuses a new topic whose name differs from another's in `.` and `_` only: those are equal here. */
export function lookalikeKey(kafkaName: string): string {
  return kafkaName.replaceAll('.', '_')
}

/** Whether two names have the same `lookalikeKey`; told without making the keys, since creation compares with all. */
export function looksAlike(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) {
    const a = one.charCodeAt(i)
    const b = other.charCodeAt(i)
    if (a !== b && !(isDotOrUnderscore(a) && isDotOrUnderscore(b))) return false
  }
  return true
}

function isDotOrUnderscore(code: number): boolean {
  return code === 0x2e || code === 0x5f
}

function rocketmqTopicNameLimit(name: string): number {
  const isGroupTopic = groupTopicPrefixes.some(([theirs]) => name.startsWith(theirs))
  return isGroupTopic ? rocketmqGroupTopicNameMax : rocketmqTopicNameMax
}

function isRocketmqText(name: string): boolean {
  return /^[%|a-zA-Z0-9_-]+$/.test(name)
}

function spellForKafka(rocketmqText: string): string {
  return rocketmqText.replaceAll('%', '.25').replaceAll('|', '.7C')
}

/** The RocketMQ name behind one of the prefixes; it is the right one only if it maps back. */
function undoPrefix(kafkaName: string): string | undefined {
  for (const [theirs, ours] of [['', namePrefix] as const, ...groupTopicPrefixes]) {
    if (!kafkaName.startsWith(ours)) continue
    const rest = kafkaName.slice(ours.length).replaceAll('.25', '%').replaceAll('.7C', '|')
    return isRocketmqText(rest) ? theirs + rest : undefined
  }
  return undefined
}

function escapeGroup(kafkaName: string): string {
  if (/^[a-zA-Z0-9_%-]*$/.test(kafkaName)) return kafkaName
  let escaped = ''
  for (const byte of Buffer.from(kafkaName)) {
    const character = String.fromCharCode(byte)
    escaped += /[a-zA-Z0-9_%-]/.test(character)
      ? character
      : `|${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

/** Escapes that are malformed are left as they are: the result then does not escape to the same name again. */
function unescapeGroup(rocketmqName: string): string {
  if (!rocketmqName.includes('|')) return rocketmqName
  const bytes = rocketmqName.replaceAll(/\|([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16))
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
