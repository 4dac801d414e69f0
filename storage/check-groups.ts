import { batchHeaderBytes } from './batch/record-batch.ts'
import type { Deletions } from './check-deletions.ts'
import type { CheckProblem, CheckTotals, Problems } from './check-report.ts'
import type { QueueUid, TopicId } from './contract.ts'
import type { BatchHead } from './layout/batch-head.ts'
import type { FileWindow } from './layout/file-window.ts'
import type { ScannedRun } from './layout/group-entries.ts'
import { isPayloadSound } from './layout/payloads.ts'
import type { ScannedGroup, ScanSink } from './layout/scan.ts'
import { type Description, runFlags } from './layout/types.ts'

/** How far each queue had come after a group, to compare with the snapshot of that sequence. */
export type QueueEnds = ReadonlyMap<QueueUid, number>

const batchMagic = 2

/** Checks what groups say against each other, over all segments in order. */
export class GroupChecks implements ScanSink {
  readonly #problems: Problems
  readonly #totals: CheckTotals
  readonly #deletions: Deletions
  /** A cleaner's copy: runs of several times, of each queue those that were left. */
  readonly #isCopy: boolean
  /** Sequences of snapshots. */
  readonly #wanted: ReadonlySet<number>
  readonly #ends = new Map<QueueUid, number>()
  readonly endsAt = new Map<number, QueueEnds>()
  /** Where replay goes on after a wanted sequence. */
  readonly addressAfter = new Map<number, { segment: number; position: number }>()
  #described = new Map<QueueUid, { topic: string; queue: number }>()
  readonly #topicOf = new Map<QueueUid, TopicId>()
  /** Queues with runs since the last segment that is not there; undefined if all are. */
  #sinceGap: Set<QueueUid> | undefined
  #window: FileWindow | undefined
  #appendTimeMs = 0
  #durableThrough = 0
  /** The log is there from its very first group on, so queues begin at 0. */
  #fromTheBeginning = false
  groupsInSegment = 0
  maxUid = 0
  lastSequence = 0

  constructor(
    problems: Problems,
    totals: CheckTotals,
    deletions: Deletions,
    wanted: ReadonlySet<number>,
    isCopy = false
  ) {
    this.#isCopy = isCopy
    this.#problems = problems
    this.#totals = totals
    this.#deletions = deletions
    this.#wanted = wanted
  }

  /** Descriptions hold for one segment. `window`: for the records of batches, if they are to be checked. */
  beginSegment(window: FileWindow | undefined): void {
    this.#described = new Map()
    this.#window = window
    this.groupsInSegment = 0
  }

  /** A segment before this one is not there. */
  noteGap(): void {
    this.#sinceGap = new Set()
  }

  get hasGaps(): boolean {
    return this.#sinceGap !== undefined
  }

  topicOf(queue: QueueUid): TopicId | undefined {
    return this.#topicOf.get(queue)
  }

  async group({ header, entries }: ScannedGroup): Promise<void> {
    const { sequence, segmentId: segment, position } = header
    this.groupsInSegment += 1
    this.#totals.groups += 1
    const bad = (what: string) => this.#problems.add({ where: 'group', what, segment, position })
    if (sequence === 1) this.#fromTheBeginning = true
    if (header.appendTimeMs < this.#appendTimeMs) {
      bad(`append time ${header.appendTimeMs} is before the group before it`)
    }
    if (header.durableThrough >= sequence) {
      bad(`group ${sequence} says that ${header.durableThrough} is durable`)
    }
    if (header.durableThrough < this.#durableThrough) {
      bad(`durable through ${header.durableThrough}, ${this.#durableThrough} was before`)
    }
    this.#appendTimeMs = Math.max(this.#appendTimeMs, header.appendTimeMs)
    this.#durableThrough = Math.max(this.#durableThrough, header.durableThrough)
    for (const entry of entries) {
      if (entry.kind === 'description') this.#describe(entry.description)
      else if (entry.kind === 'state') {
        this.#totals.stateChanges += entry.changes.length
        for (const change of entry.changes) this.#deletions.noteChange(change, sequence)
      } else if (entry.kind === 'run') await this.#run(entry, header.appendTimeMs)
      else if (entry.kind === 'stretches') {
        if (!this.#isCopy) bad('it says what a copy stands for, and is none')
        for (const { queue, firstOffset, nextOffset } of entry.stretches)
          this.#deletions.noteCopied(queue, firstOffset, nextOffset)
      }
    }
    this.lastSequence = sequence
    if (!this.#wanted.has(sequence)) return
    this.endsAt.set(sequence, new Map(this.#ends))
    this.addressAfter.set(sequence, { segment, position: position + header.bytes })
  }

  #describe(description: Description): void {
    const { kafkaName: topic, queues } = description
    for (const [queue, uid] of queues.entries()) {
      this.#described.set(uid, { topic, queue })
      this.#topicOf.set(uid, description.topicId)
    }
  }

  async #run(entry: ScannedRun, groupAppendTimeMs: number): Promise<void> {
    const { run, batches, address } = entry
    this.#totals.runs += 1
    this.#totals.records += run.recordCount
    this.maxUid = Math.max(this.maxUid, run.queue)
    const named = this.#nameOf(run.queue)
    const add = (problem: Pick<CheckProblem, 'where' | 'what' | 'offsets'>, at?: number) => {
      const { segment, position } = address
      this.#problems.add({ ...problem, ...named, segment, position: at ?? position })
    }
    if (named.topic === undefined) {
      add({ where: 'run', what: 'no description of its topic stands before it in the segment' })
    }
    if (
      this.#isCopy ? run.appendTimeMs > groupAppendTimeMs : run.appendTimeMs !== groupAppendTimeMs
    ) {
      add({ where: 'run', what: 'its append time is not the one of its group' })
    }
    const isFirst = this.#fromTheBeginning && !this.#isCopy
    const due = this.#ends.get(run.queue) ?? (isFirst ? 0 : run.baseOffset)
    if (run.baseOffset > due && !this.#isCopy) {
      const offsets = { first: due, last: run.baseOffset - 1 }
      const missing = { where: 'run', what: 'records before it are missing', offsets } as const
      if (this.#sinceGap === undefined || this.#sinceGap.has(run.queue)) add(missing)
      else {
        const { segment, position } = address
        const isFine = () => {
          const topic = this.#topicOf.get(run.queue)
          return this.#deletions.isAccountedFor(run.queue, topic, due, run.baseOffset)
        }
        this.#deletions.doubt({ ...missing, ...named, segment, position }, isFine)
      }
    }
    this.#sinceGap?.add(run.queue)
    const end = await this.#batches(entry, add)
    if (run.baseOffset < due) {
      const offsets = { first: run.baseOffset, last: Math.min(due, end) - 1 }
      add({ where: 'run', what: 'its offsets were given before', offsets })
    }
    this.#ends.set(run.queue, Math.max(due, end))
    if (this.#isCopy) this.#deletions.noteCopied(run.queue, run.baseOffset, end)
    const recordCount = batches.reduce((sum, batch) => sum + batch.recordCount, 0)
    // Those that were emptied say when their last record was; nobody can find it.
    const full = this.#isCopy ? batches.filter((batch) => batch.recordCount > 0) : batches
    const maxTimestamp = full.reduce((max, batch) => Math.max(max, batch.maxTimestamp), -1)
    if (recordCount !== run.recordCount) {
      add({ where: 'run', what: `its header says ${run.recordCount} records, not ${recordCount}` })
    }
    if (maxTimestamp !== run.maxTimestamp) {
      add({ where: 'run', what: `its max timestamp is ${maxTimestamp}, not ${run.maxTimestamp}` })
    }
  }

  /** Returns the offset after the last batch. */
  async #batches(
    { run, batches }: ScannedRun,
    add: (problem: Pick<CheckProblem, 'where' | 'what' | 'offsets'>, at: number) => void
  ): Promise<number> {
    let due = run.baseOffset
    for (const batch of batches) {
      this.#totals.batches += 1
      const last = batch.baseOffset + batch.lastOffsetDelta
      const offsets = { first: batch.baseOffset, last }
      const bad = (what: string) => add({ where: 'batch', what, offsets }, batch.position)
      const what = whyImpossible(batch)
      if (what !== undefined) bad(what)
      const isCompacted = (run.flags & runFlags.compacted) !== 0
      const isDue = isCompacted ? batch.baseOffset >= due : batch.baseOffset === due
      if (!isDue) bad(`offset ${due} was due`)
      due = last + 1
      if (this.#window !== undefined && !(await isPayloadSound(this.#window, batch))) {
        bad('its records do not match its checksum')
      }
    }
    return due
  }

  #nameOf(uid: QueueUid): { uid: QueueUid; topic?: string; queue?: number } {
    const described = this.#described.get(uid)
    return described === undefined ? { uid } : { uid, ...described }
  }
}

function whyImpossible(batch: BatchHead): string | undefined {
  if (batch.magic !== batchMagic) return `its format is ${batch.magic}, not ${batchMagic}`
  if (batch.lastOffsetDelta < 0) return `its last offset delta is ${batch.lastOffsetDelta}`
  if (batch.recordCount < 0 || batch.recordCount > batch.lastOffsetDelta + 1) {
    return `it counts ${batch.recordCount} records for ${batch.lastOffsetDelta + 1} offsets`
  }
  if (batch.recordCount > 0 && batch.bytes === batchHeaderBytes) return 'it has no records'
  return undefined
}
