/** What an open found, as data: the log line, the metric and the embedder's answer say the same. */

export interface CutTail {
  readonly segment: number
  readonly position: number
  readonly bytes: number
  readonly why: string
}

/** Stored bytes that could not be understood though later ones say they were durable: kept, never served. */
export interface Damage {
  readonly segment: number
  readonly fromPosition: number
  readonly toPosition: number
  readonly what: string
}

export interface RecoveryReport {
  /** Nothing was there: a new store was made. */
  readonly created: boolean
  /** The store had been closed cleanly. */
  readonly clean: boolean
  /** LevelDB's view was missing, broken or from another time, and was made anew; says which. */
  readonly rebuilt: string | undefined
  readonly groupsReplayed: number
  readonly bytesScanned: number
  readonly cut: CutTail | undefined
  readonly damages: readonly Damage[]
  /** Why the queues' leader epochs rose; undefined if they did not. */
  readonly epochsRaised: string | undefined
  /** Files that are not part of the log and were removed. */
  readonly removed: readonly string[]
  readonly tookMs: number
}
