/** Which value of a setting is in force and where it comes from: a topic's own, the server's, or the default. */
import type { Topic } from '../../storage/contract.ts'
import { checkSetting, listMembers, SettingError } from './setting-values.ts'
import {
  isTopicSettingName,
  type SettingKind,
  type TopicSettingName,
  type TopicSettingRule,
  topicSettingRule,
  topicSettingRules
} from './topic-config.ts'

/** `topic`: set for the topic. `server`: in the server's configuration. `default`: set nowhere. */
export type SettingSource = 'topic' | 'server' | 'default'

export interface SettingOrigin {
  readonly name: string
  readonly value: string
  readonly source: SettingSource
}

export interface DescribedSetting extends SettingOrigin {
  readonly kind: SettingKind
  readonly documentation: string
  /** Every place that has a value, the one in force first. */
  readonly origins: readonly SettingOrigin[]
}

/** What appending to a topic asks for with every batch, parsed once. */
export interface AppendSettings {
  readonly maxBatchBytes: number
  /** Records get the time of the append instead of their producer's. */
  readonly isAppendTimeUsed: boolean
  /** How far before and after now a record may be dated, ms; Infinity: no limit. */
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** Every record needs a key. */
  readonly isCompacted: boolean
}

export class ConfigService {
  /** What the server's configuration says, by the topic settings' names. */
  readonly #serverValues: ReadonlyMap<TopicSettingName, string>
  readonly #appendSettings = new WeakMap<Topic, AppendSettings>()

  /**
   * `serverValues`: topic settings that hold for all topics, by topic or broker name (`max.message.bytes` or
   * `message.max.bytes`). Throws SettingError for a name that is neither or a value that it does not take.
   */
  constructor(serverValues: Readonly<Record<string, string>> = {}) {
    const checked = new Map<TopicSettingName, string>()
    for (const [name, value] of Object.entries(serverValues)) {
      const topicName = topicSettingOf(name)
      checked.set(topicName, checkSetting(name, value, topicSettingRule(topicName)))
    }
    this.#serverValues = checked
  }

  /** The value in force. Throws SettingError for a name that is no topic setting. */
  topicValue(topic: Topic, name: string): string {
    if (!isTopicSettingName(name)) throw new SettingError(name, `${name} is no setting of a topic`)
    return topic.config[name] ?? this.#serverValue(name)
  }

  /** Parsed once for each Topic object: cheap enough for every batch. */
  appendSettings(topic: Topic): AppendSettings {
    const known = this.#appendSettings.get(topic)
    if (known !== undefined) return known
    const value = (name: TopicSettingName) => this.topicValue(topic, name)
    const settings: AppendSettings = {
      maxBatchBytes: Number(value('max.message.bytes')),
      isAppendTimeUsed: value('message.timestamp.type') === 'LogAppendTime',
      timestampBeforeMaxMs: spanMs(value('message.timestamp.before.max.ms')),
      timestampAfterMaxMs: spanMs(value('message.timestamp.after.max.ms')),
      isCompacted: listMembers(value('cleanup.policy')).includes('compact')
    }
    this.#appendSettings.set(topic, settings)
    return settings
  }

  /** All settings of a topic with `config` as its own, by name. */
  describeTopicConfig(config: Readonly<Record<string, string>>): DescribedSetting[] {
    return topicSettingNames.map((name) => {
      const rule = topicSettingRule(name)
      const origins = this.#serverOrigins(name, rule)
      const own = config[name]
      if (own !== undefined) origins.unshift({ name, value: own, source: 'topic' })
      return describe(name, rule, origins)
    })
  }

  /** The server's values for topics that set none, by the broker's name for each. */
  describeDefaults(): DescribedSetting[] {
    const described = new Map<string, DescribedSetting>()
    for (const name of topicSettingNames) {
      const rule = topicSettingRule(name)
      described.set(
        rule.brokerName,
        describe(rule.brokerName, rule, this.#serverOrigins(name, rule))
      )
    }
    return [...described.values()]
  }

  #serverValue(name: TopicSettingName): string {
    return this.#serverValues.get(name) ?? topicSettingRule(name).defaultValue
  }

  #serverOrigins(name: TopicSettingName, rule: TopicSettingRule): SettingOrigin[] {
    const set = this.#serverValues.get(name)
    const origins: SettingOrigin[] = [
      { name: rule.brokerName, value: rule.defaultValue, source: 'default' }
    ]
    if (set !== undefined) {
      origins.unshift({ name: rule.brokerName, value: set, source: 'server' })
    }
    return origins
  }
}

const topicSettingNames = Object.keys(topicSettingRules) as TopicSettingName[]

function topicSettingOf(name: string): TopicSettingName {
  const found = topicSettingNames.find(
    (candidate) => candidate === name || topicSettingRule(candidate).brokerName === name
  )
  if (found === undefined) throw new SettingError(name, `there is no setting ${name}`)
  return found
}

function describe(
  name: string,
  rule: TopicSettingRule,
  origins: readonly SettingOrigin[]
): DescribedSetting {
  const { value, source } = origins[0]!
  return { name, value, source, kind: rule.kind, documentation: rule.documentation, origins }
}

/** Spans that no timestamp can exceed are no limit. */
function spanMs(value: string): number {
  const span = Number(value)
  return Number.isSafeInteger(span) ? span : Number.POSITIVE_INFINITY
}
