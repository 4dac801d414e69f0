/** What an engine says of itself. */

/** Whether appends are taken, and why not: 'ready', 'disk-full' (reads go on) or 'failed' (restart needed). */
export interface EngineStatus {
  readonly state: 'ready' | 'disk-full' | 'failed' | 'closed'
  readonly reason: string
}

/** Figures for metrics; counters since open. */
export interface EngineStats {
  readonly flushGroups: number
  readonly flushedBytes: number
  readonly fsyncs: number
  readonly appendedRecords: number
  readonly pendingCommits: number
  readonly pendingBytes: number
  readonly waiters: number
  readonly corruptReads: number
  readonly tailBytes: number
  readonly segments: number
  readonly logBytes: number
  /** 1: appends are refused, for the disk is full; how many were. */
  readonly refusingAppends: number
  readonly refusedAppends: number
  readonly freeBytes: number
  /** Size of the disk; 0 until it was asked. */
  readonly diskBytes: number
  /** Log starts that retention moved; segments deleted; rewritten because little in them was left; bytes so freed. */
  readonly logStartMoves: number
  readonly segmentsDeleted: number
  readonly deletedBytes: number
  readonly segmentsCleaned: number
  readonly cleanedBytes: number
  /** Passes of compaction; segments rewritten by them; bytes and records gone so; queues that cannot be compacted. */
  readonly compactionPasses: number
  readonly segmentsCompacted: number
  readonly compactedBytes: number
  readonly compactedRecords: number
  readonly queuesUncompactable: number
}
