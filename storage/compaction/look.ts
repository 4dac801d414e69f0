/** Whether a queue is to be compacted now, or when it may be: Kafka's LogCleanerManager.grabFilthiestCompactedLog. */
import type { CompactionPolicy } from '../keep-policy.ts'
import type { Queue } from '../queue.ts'
import type { QueueSizes } from '../queue-sizes.ts'
import type { RunIndex } from '../run-index.ts'
import { bornMs } from '../run-list.ts'

/**
 * What waits for its time (tombstones, mostly) is looked at again only when this share of that time (but no longer than
 * that) has passed since the first of it could go: one pass then takes many.
 */
const slackShare = 1 / 10
const slackMsMax = 60 * 60_000

export interface LookParts {
  readonly index: RunIndex
  readonly sizes: QueueSizes
}

export interface LookedAt {
  readonly queue: Queue
  readonly policy: CompactionPolicy
  readonly cleanEnd: number
  readonly horizonMs: number
  /** The segment that is written to. */
  readonly openSegment: number
  readonly nowMs: number
}

export interface Verdict {
  /** Undefined: not now. */
  readonly due: { readonly limit: number; readonly needsSeal: boolean } | undefined
  /** When it is to be looked at again, ms; Infinity: when something was appended. */
  readonly nextMs: number
}

/** What is dirty of a queue. */
interface Dirty {
  sealedBytes: number
  openBytes: number
  /** Too young. */
  blockedBytes: number
  blockedFrom: number | undefined
  blockedUntilMs: number
  openFrom: number | undefined
  openBornMs: number
  bornMs: number
}

export async function look(parts: LookParts, looked: LookedAt): Promise<Verdict> {
  const { queue, policy, nowMs, horizonMs } = looked
  const dirty = await dirtyOf(parts, looked)
  const limitOfAll = dirty.blockedFrom ?? queue.highWatermark
  const all = dirty.sealedBytes + dirty.openBytes
  const total = all === 0 ? 0 : (await parts.sizes.of(queue)) - dirty.blockedBytes
  const isForced = dirty.bornMs + policy.lagMsMax <= nowMs
  const isDirty = (bytes: number, of: number): boolean =>
    bytes > 0 && (isForced || bytes > of * policy.dirtyShareMin)
  if (isDirty(dirty.sealedBytes, total - dirty.openBytes)) {
    const limit = Math.min(limitOfAll, dirty.openFrom ?? limitOfAll)
    return { due: { limit, needsSeal: false }, nextMs: nowMs }
  }
  if (dirty.openBornMs + policy.sealMs <= nowMs && isDirty(all, total))
    return { due: { limit: limitOfAll, needsSeal: true }, nextMs: nowMs }
  const horizonDueMs = horizonMs + Math.min(policy.tombstoneMs * slackShare, slackMsMax)
  if (horizonDueMs <= nowMs)
    return { due: { limit: looked.cleanEnd, needsSeal: false }, nextMs: nowMs }
  const times = [
    dirty.openBornMs + policy.sealMs,
    dirty.bornMs + policy.lagMsMax,
    dirty.blockedUntilMs,
    horizonDueMs
  ]
  return {
    due: undefined,
    nextMs: Math.min(Number.POSITIVE_INFINITY, ...times.filter((ms) => ms > nowMs))
  }
}

async function dirtyOf(
  { index }: LookParts,
  { queue, policy, cleanEnd, openSegment, nowMs }: LookedAt
): Promise<Dirty> {
  const dirty: Dirty = {
    sealedBytes: 0,
    openBytes: 0,
    blockedBytes: 0,
    blockedFrom: undefined,
    blockedUntilMs: Number.POSITIVE_INFINITY,
    openFrom: undefined,
    openBornMs: Number.POSITIVE_INFINITY,
    bornMs: Number.POSITIVE_INFINITY
  }
  const from = Math.max(cleanEnd, queue.logStart)
  for await (const run of index.runsBetween(queue, from, queue.highWatermark)) {
    const born = bornMs(run)
    if (dirty.blockedFrom === undefined && born + policy.lagMsMin > nowMs) {
      dirty.blockedFrom = run.baseOffset
      dirty.blockedUntilMs = born + policy.lagMsMin
    }
    if (dirty.blockedFrom !== undefined) {
      dirty.blockedBytes += run.bytes
      continue
    }
    dirty.bornMs = Math.min(dirty.bornMs, born)
    if (run.segment !== openSegment) dirty.sealedBytes += run.bytes
    else {
      dirty.openBytes += run.bytes
      dirty.openFrom ??= run.baseOffset
      dirty.openBornMs = Math.min(dirty.openBornMs, born)
    }
  }
  return dirty
}
