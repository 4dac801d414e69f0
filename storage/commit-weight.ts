/** How much of a flush group a commit will take: an upper bound, known before it is sealed. */
import type { Change, Commit, PackedRecord } from './contract.ts'
import { StoreError } from './errors.ts'
import { recordPrefixBytesMax } from './pack.ts'

/** Headers of a run and its share of a topic's description. */
const bytesPerAppend = 256
/** A change without its texts: key, numbers, lengths, and the counters that go with it. */
const bytesPerChange = 256
/** A row that is made at seal cannot be looked at before. */
const bytesPerBoundRow = 8 * 1024
/** UTF-8 takes at most this many bytes for one UTF-16 unit. */
const bytesPerUnit = 3

/** Bytes of the batches alone. */
export function appendBytesOf(commit: Commit): number {
  let bytes = 0
  for (const append of commit.appends ?? []) {
    if ('batches' in append) for (const batch of append.batches) bytes += batch.bytes.length
    else for (const record of append.records) bytes += weightOfRecord(record)
  }
  return bytes
}

/** With what packing puts before it, and its keys in the run's header. */
function weightOfRecord({ encoded, keys }: PackedRecord): number {
  return encoded.length + recordPrefixBytesMax + keys.length * 8
}

/** Bytes of everything that the commit writes, at most. */
export function weightOf(commit: Commit, appendBytes: number): number {
  let bytes = appendBytes + (commit.appends?.length ?? 0) * bytesPerAppend
  for (const change of commit.changes ?? []) bytes += bytesPerChange + weightOfChange(change)
  return bytes
}

/** Batches, keys of records and changes of state, with the counters that go with these: what a replay meets of it. */
export function entriesOf(commit: Commit): number {
  let entries = 0
  for (const append of commit.appends ?? []) {
    if ('batches' in append) entries += append.batches.length
    // Of records that share batches with their neighbours each may need one.
    else for (const { keys } of append.records) entries += 1 + keys.length
  }
  for (const change of commit.changes ?? []) entries += 2 + queuesIn(change)
  return entries
}

/** Queues that a change may make. */
function queuesIn(change: Change): number {
  if (change.op === 'create-topic') return change.topic.queueCount
  return change.op === 'update-topic' ? (change.update.queueCount ?? 0) : 0
}

function weightOfChange(change: Change): number {
  switch (change.op) {
    case 'put':
      return typeof change.row === 'function'
        ? (change.bytesMax ?? bytesPerBoundRow)
        : weightOfValue(change.row)
    case 'delete':
      return typeof change.key === 'function' ? bytesPerBoundRow : weightOfValue(change.key)
    case 'create-topic':
      // The topic's row and, later, its description.
      return 2 * weightOfValue(change.topic) + change.topic.queueCount * 16
    case 'update-topic':
      return 2 * weightOfValue(change.update) + (change.update.queueCount ?? 0) * 16 + 8 * 1024
    default:
      return 0
  }
}

function weightOfValue(value: unknown): number {
  if (typeof value === 'string') return value.length * bytesPerUnit + 8
  if (typeof value !== 'object' || value === null) return 12
  let bytes = 0
  for (const [name, inner] of Object.entries(value)) bytes += name.length + weightOfValue(inner)
  return bytes
}

/** Throws for what no store could do: StoreError `too-large` for too many changes, RangeError for impossible counts. */
export function checkShape({ changes = [] }: Commit, changesMax: number): void {
  if (changes.length > changesMax)
    throw new StoreError('too-large', `a commit of ${changes.length} changes is too large`)
  for (const change of changes) {
    if (change.op === 'create-topic') needsCount(change.topic.queueCount, 1)
    if (change.op === 'update-topic')
      for (const name of ['queueCount', 'readQueues', 'writeQueues'] as const)
        needsCount(change.update[name] ?? 0, 0)
    if (change.op === 'reserve-producer-ids') needsCount(change.count, 1)
  }
}

export function needsCount(value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min)
    throw new RangeError(`a count must be ${min} or more, not ${value}`)
}
