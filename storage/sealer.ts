/**
 * Sealing: turns waiting commits into one flush group. Conditions, idempotence, names, uids and offsets are decided
 * here, one commit after the other, against the sealed view: durable groups, written ones, and this one. A commit that
 * is refused changes nothing.
 */
import { stampAppendTime } from './batch/patch-batch.ts'
import type { Catalog } from './catalog.ts'
import type {
  Append,
  AppendResult,
  BatchAppend,
  Commit,
  CommitResult,
  Condition
} from './contract.ts'
import { StoreError } from './errors.ts'
import { GroupBuilder } from './group-builder.ts'
import { runFlags } from './layout/types.ts'
import type { Producers } from './producers.ts'
import type { Queue } from './queue.ts'
import type { ReplayAmount } from './replay-backlog.ts'
import { applyChanges, checkChanges, sealUpkeep } from './seal-changes.ts'
import type { Pending, SealedGroup } from './sealed-group.ts'
import type { ProducerBatch } from './state/stored-rows.ts'

export interface SealerLimits {
  readonly flushBytesMax: number
  readonly runBytesMax: number
}

/** Commits taken into one group; keeps a group of tiny ones from growing without end. */
const commitsPerGroupMax = 8192

export class Sealer {
  readonly #catalog: Catalog
  readonly #limits: SealerLimits

  constructor(catalog: Catalog, limits: SealerLimits) {
    this.#catalog = catalog
    this.#limits = limits
  }

  /**
   * Seals as many commits from the front of the line as fit, the first always. Returns the group and how many were
   * taken; every one of them has its outcome in the group, to be told when the group is done.
   */
  seal(
    { commits, from }: { readonly commits: readonly Pending[]; readonly from: number },
    room: ReplayAmount,
    { sequence, appendTimeMs }: { readonly sequence: number; readonly appendTimeMs: number }
  ): { group: SealedGroup; taken: number } {
    const group: SealedGroup = {
      sequence,
      appendTimeMs,
      runs: [],
      logged: [],
      stateChanges: [],
      topicChanges: [],
      droppedSegments: [],
      addedSegments: [],
      producersBefore: [],
      outcomes: [],
      weight: 0,
      segment: 0,
      position: 0,
      bytes: 0
    }
    const builder = new GroupBuilder(group, this.#limits.runBytesMax)
    const weightMax = Math.min(this.#limits.flushBytesMax, room.bytes)
    let taken = 0
    let entries = 0
    while (from + taken < commits.length && taken < commitsPerGroupMax) {
      const pending = commits[from + taken] as Pending
      entries += pending.entries
      const isWithin = group.weight + pending.weight <= weightMax && entries <= room.entries
      if (taken > 0 && !isWithin) break
      taken++
      group.weight += pending.weight
      try {
        group.outcomes.push({ pending, result: this.#sealCommit(pending.commit, builder) })
        if (pending.upkeep !== undefined) sealUpkeep(this.#catalog, pending.upkeep, group)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        group.outcomes.push({ pending, error })
      }
    }
    builder.finish()
    return { group, taken }
  }

  #sealCommit(commit: Commit, builder: GroupBuilder): CommitResult {
    const { group } = builder
    // First everything that can refuse, then everything that changes.
    commit.conditions?.forEach((condition, index) => {
      this.#checkCondition(condition, index)
    })
    const changes = commit.changes ?? []
    if (changes.length > 0) checkChanges(this.#catalog, changes)
    const appends = commit.appends ?? []
    const duplicates = this.#checkAppends(appends)

    const results: AppendResult[] = []
    for (let i = 0; i < appends.length; i++)
      results.push(this.#sealAppend(appends[i] as Append, duplicates[i], results, builder))
    const done = {
      appends: results,
      topics: [],
      producerIds: [],
      appendTimeMs: group.appendTimeMs
    }
    return changes.length === 0
      ? done
      : { ...done, ...applyChanges(this.#catalog, changes, results, group) }
  }

  #checkCondition(condition: Condition, index: number): void {
    let holds: boolean
    if (condition.is === 'topic')
      holds = this.#catalog.sealedTopics.find({ id: condition.id }) !== undefined
    else {
      const version = this.#catalog.state.sealedVersion(condition.key)
      if (condition.is === 'version') holds = version === condition.version
      else holds = (version !== undefined) === (condition.is === 'present')
    }
    if (!holds)
      throw new StoreError(
        'condition-failed',
        `condition ${index} (${condition.is}) does not hold`,
        {
          condition: index
        }
      )
  }

  /** Throws if an append must be refused; else says of each which earlier batch it repeats, if any. */
  #checkAppends(appends: readonly Append[]): (ProducerBatch | undefined)[] {
    const queues = appends.map((append) => {
      const queue = this.#catalog.sealedQueues.get(append.queue)
      if (queue !== undefined) return queue
      throw new StoreError('queue-gone', `queue ${append.queue} does not exist`)
    })
    const [first] = appends
    // Nearly always: one append of one batch.
    if (appends.length === 1 && first !== undefined && 'batches' in first) {
      const [batch] = first.batches
      if (batch !== undefined && first.batches.length === 1)
        return [batch.producerId < 0 ? undefined : queues[0]?.producers.judge(batch)]
    }
    return judgeInOrder(appends, queues)
  }

  #sealAppend(
    append: Append,
    duplicate: ProducerBatch | undefined,
    before: readonly AppendResult[],
    builder: GroupBuilder
  ): AppendResult {
    const queue = this.#catalog.sealedQueues.get(append.queue) as Queue
    if (duplicate !== undefined && duplicate.baseOffset < 0)
      return { ...(before[indexOfPlace(duplicate.baseOffset)] as AppendResult), duplicate: true }
    if (duplicate !== undefined)
      return {
        baseOffset: duplicate.baseOffset,
        appendTimeMs: duplicate.appendTimeMs,
        logStartOffset: queue.logStart,
        duplicate: true
      }
    const baseOffset = queue.sealedEnd
    const { group } = builder
    if ('records' in append) builder.addRecords(queue, append)
    else this.#addBatches(queue, append, builder)
    return {
      baseOffset,
      appendTimeMs: group.appendTimeMs,
      logStartOffset: queue.logStart,
      duplicate: false
    }
  }

  #addBatches(queue: Queue, append: BatchAppend, builder: GroupBuilder): void {
    const { appendTimeMs, producersBefore } = builder.group
    const flags = append.origin === 'rocketmq' ? runFlags.rocketmq : 0
    for (const sent of append.batches) {
      const batch = append.stampAppendTime === true ? stampAppendTime(sent, appendTimeMs) : sent
      const { producerId } = batch
      if (producerId >= 0) {
        producersBefore.push({ queue, producerId, producer: queue.producers.keep(producerId) })
        queue.producers.remember(batch, queue.sealedEnd, appendTimeMs)
      }
      builder.addBatch(queue, batch, flags)
    }
  }
}

/** In a trial, the place of an append of the same commit stands for the offset that it will get. */
function placeOfIndex(index: number): number {
  return -1 - index
}

function indexOfPlace(place: number): number {
  return -1 - place
}

/** Judges the batches of a commit as if each that is accepted had been appended before the next. */
function judgeInOrder(
  appends: readonly Append[],
  queues: readonly Queue[]
): (ProducerBatch | undefined)[] {
  const trials = new Map<string, Producers>()
  return appends.map((append, index) => {
    let duplicate: ProducerBatch | undefined
    if ('records' in append) return duplicate
    for (const batch of append.batches) {
      const { producerId } = batch
      if (producerId < 0) continue
      const key = `${append.queue}:${producerId}`
      const trial = trials.get(key) ?? (queues[index] as Queue).producers.trial(producerId)
      trials.set(key, trial)
      duplicate = trial.judge(batch)
      if (duplicate === undefined) trial.remember(batch, placeOfIndex(index), 0)
      else if (append.batches.length > 1)
        throw new StoreError('sequence-out-of-order', 'a repeated batch among several')
    }
    return duplicate
  })
}
