import { CodedError } from './coded-error.ts'

/**
 * Everything that storage can refuse or fail with. The list is closed: each gateway maps every code, checked by the
 * compiler (`satisfies Record<StoreErrorCode, ...>`). Codes are stable, texts are not.
 */
export const storeErrorCodes = [
  /** The store is closing or closed; nothing was changed. */
  'closed',
  /** A commit's condition did not hold; `detail.condition` is its index. Nothing was changed. */
  'condition-failed',
  /** The queue (or its topic) does not exist, or not any more. Nothing was changed. */
  'queue-gone',
  /** No topic with that id. Nothing was changed. */
  'topic-gone',
  /** One of the topic's names is taken; `detail.name` says which. Nothing was changed. */
  'topic-exists',
  /** No queue uids, offsets or ids are left, or a configured maximum is reached. Nothing was changed. */
  'limit-reached',
  /** Idempotence: the batch's first sequence does not follow the last one. Nothing was changed. */
  'sequence-out-of-order',
  /** Idempotence: the batch's producer epoch is older than the known one. Nothing was changed. */
  'producer-epoch-stale',
  /** The commit is larger than a flush group may be. Nothing was changed. */
  'too-large',
  /** Free disk space is below the reserve. Nothing was changed; reads go on. */
  'disk-full',
  /** More bytes or commits are waiting than `maxPendingBytes` / `maxPendingCommits` allow. Nothing was changed. */
  'overloaded',
  /** The disk failed a write or an fsync. Whether the commit survives is known only after a restart. */
  'io-failed',
  /** Stored bytes do not match their checksum. Counted, never served. */
  'corrupt',
  /** Below the log start offset or above the high watermark; `detail` has both. */
  'offset-out-of-range',
  /** The call was cancelled through its signal. */
  'cancelled'
] as const

export type StoreErrorCode = (typeof storeErrorCodes)[number]

/** Thrown by every call of the engine contract for whatever it refuses. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly detail: Readonly<Record<string, unknown>>

  constructor(
    code: StoreErrorCode,
    text: string,
    detail: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions
  ) {
    super(text, options)
    this.name = 'StoreError'
    this.code = code
    this.detail = detail
  }
}

/** Why a store could not be opened: one line for the operator; nothing was touched. */
export const openErrorCodes = [
  /** Another process has the folder open. */
  'locked',
  /** The folder was written by a newer version (an unknown incompatible feature bit or format version). */
  'unsupported-format',
  /** The folder holds something that is not a store, or half of one. */
  'not-a-store',
  /** What is needed to know the state is missing or damaged; `isthmus reindex` says what can be had back. */
  'unrecoverable',
  /** The file system refused. */
  'io-failed'
] as const

export type OpenErrorCode = (typeof openErrorCodes)[number]

export class OpenError extends CodedError<OpenErrorCode> {}

/** Why a backup was not made. The store goes on as it was. */
export const backupErrorCodes = [
  /** The folder holds something already, or is within the store's own. Nothing was written. */
  'folder-taken',
  /** The folder to make it in is not there. Nothing was written. */
  'no-parent',
  /** Another backup of this store is being made. Nothing was written. */
  'busy',
  /** It was begun and given up: the folder is marked as unfinished. */
  'unfinished'
] as const

export type BackupErrorCode = (typeof backupErrorCodes)[number]

export class BackupError extends CodedError<BackupErrorCode> {}

/** The store has stopped for an error of its disk. */
export function ioFailure(error: Error): StoreError {
  if (error instanceof StoreError) return error
  return new StoreError(
    'io-failed',
    `the store has stopped: ${error.message}`,
    {},
    { cause: error }
  )
}
