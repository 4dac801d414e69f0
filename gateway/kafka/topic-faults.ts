/** How refusals of topics are said in Kafka's error codes. */
import { StoreError } from '../../storage/errors.ts'
import { TopicError, type TopicErrorCode } from '../broker/topic-errors.ts'
import type { RequestContext } from './context.ts'
import { type ErrorCode, errorCodes, kafkaErrorOf } from './error-codes.ts'

export const kafkaTopicErrorOf = {
  'name-invalid': errorCodes.INVALID_TOPIC_EXCEPTION,
  'name-collides': errorCodes.INVALID_TOPIC_EXCEPTION,
  'topic-exists': errorCodes.TOPIC_ALREADY_EXISTS,
  'topic-unknown': errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  'queue-count-invalid': errorCodes.INVALID_PARTITIONS,
  'queue-count-not-higher': errorCodes.INVALID_PARTITIONS,
  'too-many-queues': errorCodes.POLICY_VIOLATION,
  'too-many-topics': errorCodes.POLICY_VIOLATION,
  'config-invalid': errorCodes.INVALID_CONFIG,
  'store-full': errorCodes.POLICY_VIOLATION
} as const satisfies Record<TopicErrorCode, ErrorCode>

/** An error code and what the client's user may read. */
export interface Fault {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

/** Thrown by the checks of a handler for what Kafka answers with a code. */
export class FaultError extends Error {
  readonly errorCode: ErrorCode

  constructor(errorCode: ErrorCode, text: string) {
    super(text)
    this.name = 'FaultError'
    this.errorCode = errorCode
  }
}

/** What a change of topics failed with; throws on what is no refusal but a bug. */
export function faultOf(error: unknown, context: RequestContext): Fault {
  if (error instanceof FaultError) {
    return { errorCode: error.errorCode, errorMessage: error.message }
  }
  if (error instanceof TopicError) {
    return {
      errorCode: kafkaTopicErrorOf[error.code],
      errorMessage: `Topic '${error.topicName}': ${error.message}`
    }
  }
  if (error instanceof StoreError) {
    if (error.code === 'overloaded') context.overloaded()
    return { errorCode: kafkaErrorOf[error.code], errorMessage: error.message }
  }
  throw error
}
