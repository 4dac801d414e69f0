import { StoreError, type StoreErrorCode } from '../../../storage/errors.ts'
import type { RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'

/** What requests about groups answer when storage refuses: clients look for the coordinator again, and retry. */
const groupErrorOf = {
  closed: errorCodes.NOT_COORDINATOR,
  'condition-failed': errorCodes.UNKNOWN_SERVER_ERROR,
  'queue-gone': errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  'topic-gone': errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  'topic-exists': errorCodes.UNKNOWN_SERVER_ERROR,
  'limit-reached': errorCodes.COORDINATOR_NOT_AVAILABLE,
  'sequence-out-of-order': errorCodes.UNKNOWN_SERVER_ERROR,
  'producer-epoch-stale': errorCodes.UNKNOWN_SERVER_ERROR,
  'too-large': errorCodes.INVALID_REQUEST,
  'disk-full': errorCodes.COORDINATOR_NOT_AVAILABLE,
  overloaded: errorCodes.COORDINATOR_NOT_AVAILABLE,
  'io-failed': errorCodes.COORDINATOR_NOT_AVAILABLE,
  corrupt: errorCodes.UNKNOWN_SERVER_ERROR,
  'offset-out-of-range': errorCodes.UNKNOWN_SERVER_ERROR,
  cancelled: errorCodes.COORDINATOR_NOT_AVAILABLE
} as const satisfies Record<StoreErrorCode, ErrorCode>

/** The code for what storage threw; whatever else was thrown is thrown on. */
export function groupErrorFor(error: unknown, context: RequestContext): ErrorCode {
  if (!(error instanceof StoreError)) throw error
  if (error.code === 'overloaded') context.overloaded()
  return groupErrorOf[error.code]
}
