/** Topics by all their names. The store keeps two: one as sealed, one as durable. */
import type { QueueUid, Topic, TopicId, TopicLookup } from '../contract.ts'

export class TopicTable {
  readonly #byId = new Map<TopicId, Topic>()
  readonly #byKafkaName = new Map<string, Topic>()
  readonly #byRocketmqName = new Map<string, Topic>()
  readonly #byQueue = new Map<QueueUid, Topic>()

  get size(): number {
    return this.#byId.size
  }

  find(by: TopicLookup): Topic | undefined {
    if ('kafkaName' in by) return this.#byKafkaName.get(by.kafkaName)
    if ('id' in by) return this.#byId.get(by.id)
    if ('rocketmqName' in by) return this.#byRocketmqName.get(by.rocketmqName)
    return this.#byQueue.get(by.queue)
  }

  put(topic: Topic): void {
    this.#byId.set(topic.id, topic)
    this.#byKafkaName.set(topic.names.kafka, topic)
    this.#byRocketmqName.set(topic.names.rocketmq, topic)
    for (const queue of topic.queues) this.#byQueue.set(queue, topic)
  }

  delete(id: TopicId): Topic | undefined {
    const topic = this.#byId.get(id)
    if (topic === undefined) return undefined
    this.#byId.delete(id)
    this.#byKafkaName.delete(topic.names.kafka)
    this.#byRocketmqName.delete(topic.names.rocketmq)
    for (const queue of topic.queues) this.#byQueue.delete(queue)
    return topic
  }

  all(): Topic[] {
    return [...this.#byId.values()]
  }
}
