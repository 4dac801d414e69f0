/**
 * Topics as clients of either protocol make, change and look them up: names checked and paired, counts and settings
 * within their limits, automatic creation, and changes of one topic one after the other. The store has the last word
 * on whether a name is free.
 */
import type {
  Change,
  Engine,
  NewTopic,
  Topic,
  TopicId,
  TopicLookup,
  TopicNames,
  TopicPerm,
  TopicUpdate
} from '../../storage/contract.ts'
import { StoreError } from '../../storage/errors.ts'
import type { Random } from '../../storage/ports.ts'
import { hiddenSettings, visibleSettings, withHidden } from './hidden-settings.ts'
import {
  kafkaTopicNameFault,
  lookalikeKey,
  looksAlike,
  type NameFault,
  topicNamesFromKafka
} from './names.ts'
import { Serialized } from './serialized.ts'
import { checkTopicConfig, SettingError } from './setting-values.ts'
import { TopicError } from './topic-errors.ts'

export interface TopicPolicy {
  /** Whether asking for a topic that does not exist makes it. */
  readonly autoCreate: boolean
  /** Queues of a topic whose creator names no number; 1 to `queuesPerTopicMax`. */
  readonly defaultQueueCount: number
  readonly queuesPerTopicMax: number
  readonly topicsMax: number
}

export const defaultTopicPolicy: TopicPolicy = {
  autoCreate: true,
  defaultQueueCount: 4,
  queuesPerTopicMax: 10_000,
  topicsMax: 100_000
}

export interface TopicWish {
  readonly names: TopicNames
  /** Absent: the policy's. */
  readonly queueCount?: number
  readonly config?: Readonly<Record<string, string | null>>
  /** Settings that Kafka's clients do not see, by names of their own. */
  readonly hidden?: Readonly<Record<string, string>>
  readonly perm?: TopicPerm
  readonly messageType?: string
  /** 0 to queueCount; absent: all. */
  readonly readQueues?: number
  readonly writeQueues?: number
  /** Not in lists, and none of Kafka's clients' business. */
  readonly system?: boolean
}

/** `checkOnly`: everything is checked, nothing is changed. */
export interface ChangeOptions {
  readonly checkOnly?: boolean
}

/** The new settings from those that are; may throw TopicError or SettingError. Called once. */
export type ConfigEdit = (
  config: Readonly<Record<string, string>>
) => Readonly<Record<string, string | null>>

/** What RocketMQ's tools change of a topic. Absent = as it was; `hidden` and `config` replace all of their kind. */
export interface TopicEdit {
  /** Where a number is more than the topic has queues, it gets more. */
  readonly readQueues?: number
  readonly writeQueues?: number
  readonly perm?: TopicPerm
  readonly messageType?: string
  readonly hidden?: Readonly<Record<string, string>>
}

export class TopicService {
  readonly policy: TopicPolicy
  readonly #engine: Engine
  readonly #random: Random
  /** Creations of names that look alike, and changes of one topic, happen one after the other. */
  readonly #creations = new Serialized()
  readonly #changes = new Serialized()

  constructor(engine: Engine, random: Random, policy: Partial<TopicPolicy> = {}) {
    this.#engine = engine
    this.#random = random
    this.policy = { ...defaultTopicPolicy, ...policy }
  }

  /**
   * The topic that Kafka clients call `name`, system topics too; undefined if there is none. Changes of topics that
   * were answered are seen without settling: whoever makes one waits until it is durable.
   */
  findByName(name: string): Promise<Topic | undefined> {
    return this.#engine.findTopic({ kafkaName: name })
  }

  /** By topic id, 32 lower-case hex digits. */
  findById(id: TopicId): Promise<Topic | undefined> {
    return this.#engine.findTopic({ id })
  }

  /** The topic if clients may see it, with the effect of every acknowledged change. */
  async findVisible(by: TopicLookup): Promise<Topic | undefined> {
    const topic = await this.#engine.findTopic(by, { settled: true })
    return topic?.system ? undefined : topic
  }

  /** All that clients may see, by Kafka name, with the effect of every acknowledged change. */
  async list(): Promise<Topic[]> {
    const topics = await this.#engine.topics({ settled: true })
    return topics
      .filter((topic) => !topic.system)
      .sort((a, b) => (a.names.kafka < b.names.kafka ? -1 : 1))
  }

  /**
   * The topic that clients call so, with the effect of every acknowledged change; where there is none, a new one as
   * the policy has it. Undefined if there is none and none may be made, or if it is a system topic. Callers who ask
   * for one name at the same time get one topic. Throws TopicError for a name that may not be made, and at limits.
   */
  async findOrCreate(kafkaName: string, mayCreate: boolean): Promise<Topic | undefined> {
    const known = await this.#findSettled(kafkaName)
    if (known !== undefined) return known.system ? undefined : known
    if (!mayCreate || !this.policy.autoCreate) return undefined
    checkKafkaTopicName(kafkaName)
    try {
      return await this.create({ names: topicNamesFromKafka(kafkaName) })
    } catch (error) {
      if (!(error instanceof TopicError) || error.code !== 'topic-exists') throw error
      const made = await this.#findSettled(kafkaName)
      return made?.system ? undefined : made
    }
  }

  /**
   * Makes a topic and returns it; with `checkOnly` the topic as it would be, with no queue uids. Throws TopicError.
   */
  create(wish: TopicWish, options: ChangeOptions = {}): Promise<Topic> {
    return this.#creations.run(lookalikeKey(wish.names.kafka), async () => {
      const topic = await this.#plan(wish)
      if (options.checkOnly) return previewOf(topic)
      return this.#commit({ op: 'create-topic', topic }, wish.names.kafka)
    })
  }

  /** Drops the topic with its records and committed offsets. Throws TopicError. */
  async delete(id: TopicId): Promise<void> {
    await this.#findForChange(id)
    await this.#commitChange({ op: 'delete-topic', id }, id)
  }

  /** Gives a topic more queues: `queueCount` is the new number of all. Throws TopicError. */
  setQueueCount(id: TopicId, queueCount: number, options: ChangeOptions = {}): Promise<Topic> {
    return this.#changes.run(id, async () => {
      const topic = await this.#findForChange(id)
      const present = topic.queues.length
      if (queueCount <= present) {
        throw new TopicError(
          'queue-count-not-higher',
          topic.names.kafka,
          queueCount === present
            ? `the topic has ${present} already`
            : `the topic has ${present}, which is more`
        )
      }
      this.#checkQueueCount(topic.names.kafka, queueCount)
      if (options.checkOnly) return topic
      // Whoever narrowed what RocketMQ's clients see of the topic did so on purpose.
      const update = {
        queueCount,
        ...(topic.readQueues === present ? { readQueues: queueCount } : {}),
        ...(topic.writeQueues === present ? { writeQueues: queueCount } : {})
      }
      return this.#commit({ op: 'update-topic', id, update }, topic.names.kafka)
    })
  }

  /** Replaces a topic's own settings by what `edit` makes of them. Throws TopicError. */
  editConfig(id: TopicId, edit: ConfigEdit, options: ChangeOptions = {}): Promise<Topic> {
    return this.#changes.run(id, async () => {
      const topic = await this.#findForChange(id)
      const visible = checkedConfig(topic.names.kafka, edit(visibleSettings(topic.config)))
      const config = withHidden(visible, hiddenSettings(topic.config))
      if (options.checkOnly) return topic
      return this.#commit({ op: 'update-topic', id, update: { config } }, topic.names.kafka)
    })
  }

  /**
   * Changes what `edit` says of the topic as it is; nothing, if it says undefined. Called once. Throws TopicError, and
   * whatever `edit` throws.
   */
  edit(id: TopicId, edit: (topic: Topic) => TopicEdit | undefined): Promise<Topic> {
    return this.#changes.run(id, async () => {
      const topic = await this.#findForChange(id)
      const wanted = edit(topic)
      if (wanted === undefined) return topic
      const { hidden, ...rest } = wanted
      const present = topic.queues.length
      const { readQueues = topic.readQueues, writeQueues = topic.writeQueues } = wanted
      const queueCount = Math.max(present, readQueues, writeQueues)
      if (queueCount > present) this.#checkQueueCount(topic.names.kafka, queueCount)
      const config = hidden && withHidden(visibleSettings(topic.config), hidden)
      const update: TopicUpdate = {
        ...rest,
        readQueues,
        writeQueues,
        queueCount,
        ...(config === undefined ? {} : { config })
      }
      return this.#commit({ op: 'update-topic', id, update }, topic.names.kafka)
    })
  }

  async #plan(wish: TopicWish): Promise<NewTopic> {
    const { names, queueCount = this.policy.defaultQueueCount } = wish
    if ((await this.#findSettled(names.kafka)) !== undefined) {
      throw new TopicError('topic-exists', names.kafka, 'a topic of that name exists')
    }
    const topics = await this.#engine.topics()
    checkLookalikes(names.kafka, topics)
    if (topics.length >= this.policy.topicsMax) {
      throw new TopicError(
        'too-many-topics',
        names.kafka,
        `there are ${topics.length} topics; at most ${this.policy.topicsMax} may be`
      )
    }
    this.#checkQueueCount(names.kafka, queueCount)
    const { config: visible = {}, hidden = {}, queueCount: _, ...rest } = wish
    const config = withHidden(checkedConfig(names.kafka, visible), hidden)
    return { id: this.#newId(), ...rest, queueCount, config }
  }

  /** Kafka's tools show ids in URL-safe base64 and take them as arguments: none begins with '-' (Kafka's Uuid). */
  #newId(): TopicId {
    for (;;) {
      const id = this.#random.uuid()
      if (!id.toString('base64url').startsWith('-')) return id.toString('hex')
    }
  }

  #checkQueueCount(name: string, queueCount: number): void {
    const most = this.policy.queuesPerTopicMax
    if (!Number.isInteger(queueCount) || queueCount < 1) {
      throw new TopicError('queue-count-invalid', name, `${queueCount} is not 1 or more`)
    }
    if (queueCount > most) {
      throw new TopicError('too-many-queues', name, `${queueCount} is more than ${most}`)
    }
  }

  async #findSettled(kafkaName: string): Promise<Topic | undefined> {
    return this.#engine.findTopic({ kafkaName }, { settled: true })
  }

  async #findForChange(id: TopicId): Promise<Topic> {
    const topic = await this.#engine.findTopic({ id }, { settled: true })
    if (topic === undefined || topic.system) {
      throw new TopicError('topic-unknown', topic?.names.kafka ?? id, 'there is no such topic')
    }
    return topic
  }

  async #commit(change: Change, name: string): Promise<Topic> {
    const topics = await this.#commitChange(change, name)
    return topics[0]!
  }

  /** Resolves when the change can be seen: requests on a topic that was just made look it up without settling. */
  async #commitChange(change: Change, name: string): Promise<readonly Topic[]> {
    try {
      const { topics } = await this.#engine.commit({ changes: [change] })
      await this.#engine.settle()
      return topics
    } catch (error) {
      throw topicErrorOf(error, name)
    }
  }
}

/** Throws TopicError for a name that Kafka clients may not give a topic. */
export function checkKafkaTopicName(name: string): void {
  const fault = kafkaTopicNameFault(name)
  if (fault !== undefined) throw new TopicError('name-invalid', name, nameFaultTexts[fault])
}

const nameFaultTexts: Record<NameFault, string> = {
  empty: 'the name is empty',
  'too-long': 'the name is longer than 249 characters',
  'illegal-character': "a name has ASCII letters, digits, '.', '_' and '-' only",
  'only-dots': "'.' and '..' are no names",
  reserved: "names that begin with 'rmq.' are for what RocketMQ clients and this server make"
}

function checkLookalikes(name: string, topics: readonly Topic[]): void {
  if (!/[._]/.test(name)) return
  const other = topics.find((topic) => looksAlike(topic.names.kafka, name))
  if (other === undefined) return
  throw new TopicError(
    'name-collides',
    name,
    `it differs from the topic ${other.names.kafka} in '.' and '_' only`
  )
}

function checkedConfig(
  topicName: string,
  config: Readonly<Record<string, string | null>>
): Record<string, string> {
  try {
    return checkTopicConfig(config)
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    throw new TopicError('config-invalid', topicName, error.message)
  }
}

/** What the store refused, in the words of topics; whatever else it threw stays as it is. */
function topicErrorOf(error: unknown, name: string): unknown {
  if (!(error instanceof StoreError)) return error
  switch (error.code) {
    case 'topic-exists':
      return new TopicError('topic-exists', name, 'a topic of that name exists', { cause: error })
    case 'topic-gone':
      return new TopicError('topic-unknown', name, 'there is no such topic', { cause: error })
    case 'limit-reached':
      return new TopicError('store-full', name, error.message, { cause: error })
    default:
      return error
  }
}

/** What a topic will be, before the store made it: it has no queue uids yet (all 0), nor a time. */
function previewOf(topic: NewTopic): Topic {
  return {
    id: topic.id,
    names: topic.names,
    queues: new Array<number>(topic.queueCount).fill(0),
    config: topic.config ?? {},
    perm: topic.perm ?? 6,
    messageType: topic.messageType ?? 'NORMAL',
    readQueues: topic.readQueues ?? topic.queueCount,
    writeQueues: topic.writeQueues ?? topic.queueCount,
    system: topic.system ?? false,
    createdMs: 0
  }
}
