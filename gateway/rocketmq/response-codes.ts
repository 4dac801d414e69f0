import type { StoreErrorCode } from '../../storage/errors.ts'
import type { TopicErrorCode } from '../broker/topic-errors.ts'

/** RocketMQ's response codes by RocketMQ's names (RemotingSysResponseCode, ResponseCode). */
export const responseCodes = {
  SUCCESS: 0,
  SYSTEM_ERROR: 1,
  SYSTEM_BUSY: 2,
  REQUEST_CODE_NOT_SUPPORTED: 3,
  TRANSACTION_FAILED: 4,
  FLUSH_DISK_TIMEOUT: 10,
  SLAVE_NOT_AVAILABLE: 11,
  FLUSH_SLAVE_TIMEOUT: 12,
  MESSAGE_ILLEGAL: 13,
  SERVICE_NOT_AVAILABLE: 14,
  VERSION_NOT_SUPPORTED: 15,
  NO_PERMISSION: 16,
  TOPIC_NOT_EXIST: 17,
  TOPIC_EXIST_ALREADY: 18,
  PULL_NOT_FOUND: 19,
  PULL_RETRY_IMMEDIATELY: 20,
  PULL_OFFSET_MOVED: 21,
  QUERY_NOT_FOUND: 22,
  SUBSCRIPTION_PARSE_FAILED: 23,
  SUBSCRIPTION_NOT_EXIST: 24,
  SUBSCRIPTION_NOT_LATEST: 25,
  SUBSCRIPTION_GROUP_NOT_EXIST: 26,
  FILTER_DATA_NOT_EXIST: 27,
  FILTER_DATA_NOT_LATEST: 28,
  INVALID_PARAMETER: 29,
  CONSUMER_NOT_ONLINE: 206,
  CONSUME_MSG_TIMEOUT: 207,
  NO_MESSAGE: 208,
  BROADCAST_CONSUMPTION: 213,
  FLOW_CONTROL: 215,
  ILLEGAL_OPERATION: 604,
  GO_AWAY: 1500
} as const

export type ResponseName = keyof typeof responseCodes
export type ResponseCode = (typeof responseCodes)[ResponseName]

const namesByCode = new Map<number, string>(
  Object.entries(responseCodes).map(([name, code]) => [code, name])
)

/** For logs and metrics. */
export function responseNameOf(code: number): string {
  return namesByCode.get(code) ?? `${code}`
}

/**
 * What is answered when storage refuses. A handler that knows better answers that instead. Producers try again after
 * SYSTEM_ERROR, SYSTEM_BUSY, SERVICE_NOT_AVAILABLE and TOPIC_NOT_EXIST.
 */
export const rocketmqResponseOf = {
  closed: responseCodes.SERVICE_NOT_AVAILABLE,
  'condition-failed': responseCodes.SYSTEM_ERROR,
  'queue-gone': responseCodes.TOPIC_NOT_EXIST,
  'topic-gone': responseCodes.TOPIC_NOT_EXIST,
  'topic-exists': responseCodes.TOPIC_EXIST_ALREADY,
  'limit-reached': responseCodes.SYSTEM_ERROR,
  'sequence-out-of-order': responseCodes.SYSTEM_ERROR,
  'producer-epoch-stale': responseCodes.SYSTEM_ERROR,
  'too-large': responseCodes.MESSAGE_ILLEGAL,
  /** As a real broker answers a full disk. */
  'disk-full': responseCodes.SERVICE_NOT_AVAILABLE,
  overloaded: responseCodes.SYSTEM_BUSY,
  'io-failed': responseCodes.SERVICE_NOT_AVAILABLE,
  corrupt: responseCodes.SYSTEM_ERROR,
  'offset-out-of-range': responseCodes.PULL_OFFSET_MOVED,
  cancelled: responseCodes.SERVICE_NOT_AVAILABLE
} as const satisfies Record<StoreErrorCode, ResponseCode>

/** What is answered when the topic service refuses. */
export const rocketmqTopicResponseOf = {
  'name-invalid': responseCodes.INVALID_PARAMETER,
  'name-collides': responseCodes.INVALID_PARAMETER,
  'topic-exists': responseCodes.TOPIC_EXIST_ALREADY,
  'topic-unknown': responseCodes.TOPIC_NOT_EXIST,
  'queue-count-invalid': responseCodes.INVALID_PARAMETER,
  'queue-count-not-higher': responseCodes.INVALID_PARAMETER,
  'too-many-queues': responseCodes.INVALID_PARAMETER,
  'too-many-topics': responseCodes.NO_PERMISSION,
  'config-invalid': responseCodes.INVALID_PARAMETER,
  'store-full': responseCodes.SERVICE_NOT_AVAILABLE
} as const satisfies Record<TopicErrorCode, ResponseCode>
