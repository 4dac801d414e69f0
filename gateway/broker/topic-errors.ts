/** Everything that the topic service refuses. The list is closed: each gateway maps every code. */
export const topicErrorCodes = [
  /** Not a name that a topic may have. */
  'name-invalid',
  /** The name differs from another topic's in characters only that Kafka takes for the same. */
  'name-collides',
  'topic-exists',
  /** There is none, or it is not for clients to change. */
  'topic-unknown',
  /** Not a number of queues. */
  'queue-count-invalid',
  /** A topic's queues can only become more. */
  'queue-count-not-higher',
  /** More queues than a topic may have. */
  'too-many-queues',
  /** As many topics as there may be. */
  'too-many-topics',
  /** A setting that does not exist, or a value that it does not take. */
  'config-invalid',
  /** The store has no queue numbers left. */
  'store-full'
] as const

export type TopicErrorCode = (typeof topicErrorCodes)[number]

/** `message` is for the client: one line, without the topic's name. */
export class TopicError extends Error {
  readonly code: TopicErrorCode
  readonly topicName: string

  constructor(code: TopicErrorCode, topicName: string, text: string, options?: ErrorOptions) {
    super(text, options)
    this.name = 'TopicError'
    this.code = code
    this.topicName = topicName
  }
}
