/**
 * An engine that knows topics only, in memory, for tests of what is made of them. It keeps the contract where it is
 * used: changes are visible once committed, names are unique, uids are never used twice. Everything else rejects.
 */
import type {
  Change,
  Commit,
  CommitResult,
  Engine,
  NewTopic,
  QueueEnds,
  Topic,
  TopicId,
  TopicLookup,
  TopicUpdate
} from '../../storage/contract.ts'
import { StoreError } from '../../storage/errors.ts'

export class MemoryTopics {
  readonly commits: Commit[] = []
  /** What the next commits reject with, in order. */
  readonly failures: StoreError[] = []
  /** Leader epochs other than 0, by queue. */
  readonly epochs = new Map<number, number>()
  #topics = new Map<TopicId, Topic>()
  #nextQueue = 1
  #gate: Promise<void> | undefined

  /** As the engine that it is of; what it does not have rejects. */
  get engine(): Engine {
    return new Proxy(this as unknown as Engine, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown
        if (typeof value === 'function') return value.bind(target) as unknown
        return () => Promise.reject(new Error(`no ${String(name)} here`))
      }
    })
  }

  /** Commits wait until the returned function is called. */
  hold(): () => void {
    let open = () => {}
    this.#gate = new Promise((resolve) => {
      open = resolve
    })
    return open
  }

  /** Puts a topic there as if it had always been. */
  add(topic: NewTopic): Topic {
    return this.#create(topic)
  }

  async commit(commit: Commit): Promise<CommitResult> {
    await this.#gate
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    const before = new Map(this.#topics)
    try {
      const topics = (commit.changes ?? []).flatMap((change) => this.#apply(change) ?? [])
      this.commits.push(commit)
      return { appends: [], topics, producerIds: [], appendTimeMs: 1_000 }
    } catch (error) {
      this.#topics = before
      throw error
    }
  }

  /** What is committed here is durable at once. */
  async settle(): Promise<void> {}

  findTopic(by: TopicLookup): Promise<Topic | undefined> {
    const found = [...this.#topics.values()].find((topic) =>
      'id' in by
        ? topic.id === by.id
        : 'kafkaName' in by
          ? topic.names.kafka === by.kafkaName
          : 'rocketmqName' in by
            ? topic.names.rocketmq === by.rocketmqName
            : topic.queues.includes(by.queue)
    )
    return Promise.resolve(found)
  }

  topics(): Promise<readonly Topic[]> {
    return Promise.resolve([...this.#topics.values()])
  }

  async ends(queue: number): Promise<QueueEnds> {
    if ((await this.findTopic({ queue })) === undefined) {
      throw new StoreError('queue-gone', `no queue ${queue}`)
    }
    const leaderEpoch = this.epochs.get(queue) ?? 0
    return { logStartOffset: 0, highWatermark: 0, lastStableOffset: 0, leaderEpoch }
  }

  async endsOf(queues: readonly number[]): Promise<(QueueEnds | undefined)[]> {
    const known = await Promise.all(queues.map((queue) => this.findTopic({ queue })))
    return Promise.all(queues.map((queue, i) => (known[i] ? this.ends(queue) : undefined)))
  }

  #apply(change: Change): Topic | undefined {
    switch (change.op) {
      case 'create-topic':
        return this.#create(change.topic)
      case 'update-topic':
        return this.#update(change.id, change.update)
      case 'delete-topic':
        if (!this.#topics.delete(change.id)) throw new StoreError('topic-gone', 'no such topic')
        return undefined
      default:
        throw new Error(`no ${change.op} here`)
    }
  }

  #create(topic: NewTopic): Topic {
    const isTaken = [...this.#topics.values()].some(
      ({ names }) => names.kafka === topic.names.kafka || names.rocketmq === topic.names.rocketmq
    )
    if (isTaken) throw new StoreError('topic-exists', 'taken', { name: topic.names.kafka })
    const { id, names, queueCount } = topic
    const created: Topic = {
      id,
      names,
      queues: this.#queues(queueCount),
      config: topic.config ?? {},
      perm: topic.perm ?? 6,
      messageType: topic.messageType ?? 'NORMAL',
      readQueues: topic.readQueues ?? queueCount,
      writeQueues: topic.writeQueues ?? queueCount,
      system: topic.system ?? false,
      createdMs: 1_000
    }
    this.#topics.set(id, created)
    return created
  }

  #update(id: TopicId, { queueCount, ...rest }: TopicUpdate): Topic {
    const topic = this.#topics.get(id)
    if (topic === undefined) throw new StoreError('topic-gone', 'no such topic')
    const added = Math.max(0, (queueCount ?? 0) - topic.queues.length)
    const updated = { ...topic, ...rest, queues: [...topic.queues, ...this.#queues(added)] }
    this.#topics.set(id, updated)
    return updated
  }

  #queues(count: number): number[] {
    return Array.from({ length: count }, () => this.#nextQueue++)
  }
}
