/** Checks the text of a setting and spells it as Kafka prints it (ConfigDef.parseType, ConfigDef.convertToString). */
import {
  droppedSettingNames,
  isTopicSettingName,
  type TopicSettingRule,
  topicSettingRule
} from './topic-config.ts'

/** A setting that cannot be: no such name, or a value that it does not take. `message` is for the client. */
export class SettingError extends Error {
  readonly setting: string

  constructor(setting: string, text: string) {
    super(text)
    this.name = 'SettingError'
    this.setting = setting
  }
}

/** The longest value kept, characters; throttled replica lists may be long. */
export const settingValueLengthMax = 32_767

const intBounds = { least: -2_147_483_648n, most: 2_147_483_647n }
const longBounds = { least: -9_223_372_036_854_775_808n, most: 9_223_372_036_854_775_807n }

/**
 * The settings as they are to be kept, spelled one way; names that are dropped are left out. Throws SettingError for
 * a name that is none, a value that is missing or not allowed, and what contradicts each other.
 */
export function checkTopicConfig(
  config: Readonly<Record<string, string | null>>
): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(config)) {
    if (droppedSettingNames.includes(name)) continue
    if (!isTopicSettingName(name)) {
      throw new SettingError(name, `Unknown topic config name: ${name}`)
    }
    if (value === null) {
      throw new SettingError(name, `Null value not supported for topic configs: ${name}`)
    }
    kept[name] = checkSetting(name, value, topicSettingRule(name))
  }
  checkLags(kept)
  return kept
}

/** Throws SettingError. */
export function checkSetting(name: string, text: string, rule: TopicSettingRule): string {
  const refuse = (reason: string) =>
    new SettingError(name, `Invalid value ${text} for configuration ${name}: ${reason}`)
  if (text.length > settingValueLengthMax) {
    throw new SettingError(name, `The value of ${name} is longer than ${settingValueLengthMax}`)
  }
  const trimmed = text.trim()
  switch (rule.kind) {
    case 'boolean':
      if (!/^(true|false)$/i.test(trimmed))
        throw refuse('Expected value to be either true or false')
      return trimmed.toLowerCase()
    case 'short':
    case 'int':
      return checkInteger(trimmed, rule, intBounds, refuse)
    case 'long':
      return checkInteger(trimmed, rule, longBounds, refuse)
    case 'double':
      return checkDouble(trimmed, rule, refuse)
    case 'string':
      return checkMember(trimmed, rule, refuse)
    case 'list':
      return checkList(trimmed, rule, refuse)
  }
}

/** The members of a list setting. */
export function listMembers(value: string): string[] {
  const trimmed = value.trim()
  return trimmed === '' ? [] : trimmed.split(',').map((member) => member.trim())
}

type Refuse = (reason: string) => SettingError

function checkInteger(
  text: string,
  rule: TopicSettingRule,
  bounds: { least: bigint; most: bigint },
  refuse: Refuse
): string {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw refuse(`Not a number of type ${rule.kind.toUpperCase()}`)
  const value = BigInt(text.replace('+', ''))
  if (value < bounds.least || value > bounds.most) {
    throw refuse(`Not a number of type ${rule.kind.toUpperCase()}`)
  }
  if (rule.min !== undefined && value < BigInt(rule.min)) {
    throw refuse(`Value must be at least ${rule.min}`)
  }
  if (rule.max !== undefined && value > BigInt(rule.max)) {
    throw refuse(`Value must be no more than ${rule.max}`)
  }
  return `${value}`
}

function checkDouble(text: string, rule: TopicSettingRule, refuse: Refuse): string {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  if (!Number.isFinite(value)) throw refuse('Not a number of type DOUBLE')
  if (rule.min !== undefined && value < rule.min) {
    throw refuse(`Value must be at least ${rule.min}`)
  }
  if (rule.max !== undefined && value > rule.max) {
    throw refuse(`Value must be no more than ${rule.max}`)
  }
  // Java prints 1 as 1.0.
  return Number.isInteger(value) ? `${value}.0` : `${value}`
}

function checkMember(text: string, rule: TopicSettingRule, refuse: Refuse): string {
  if (rule.oneOf !== undefined && !rule.oneOf.includes(text)) {
    throw refuse(`String must be one of: ${rule.oneOf.join(', ')}`)
  }
  return text
}

function checkList(text: string, rule: TopicSettingRule, refuse: Refuse): string {
  const members = listMembers(text)
  const { oneOf } = rule
  if (oneOf !== undefined) {
    if (!members.every((member) => oneOf.includes(member))) {
      throw refuse(`String must be one of: ${oneOf.join(', ')}`)
    }
  }
  const value = members.join(',')
  if (rule.pattern !== undefined && !rule.pattern.test(value)) {
    throw refuse('Must be * or pairs of numbers such as 0:1, separated by commas')
  }
  return value
}

/** LogConfig.validateValues. */
function checkLags(config: Readonly<Record<string, string>>): void {
  const least = config['min.compaction.lag.ms'] ?? '0'
  const most = config['max.compaction.lag.ms']
  if (most !== undefined && BigInt(least) > BigInt(most)) {
    throw new SettingError(
      'max.compaction.lag.ms',
      `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`
    )
  }
}
