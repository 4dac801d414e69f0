import type { Damage } from './layout/scan.ts'
import type { LogSink } from './ports.ts'
import type { Salvaged } from './repair/salvage.ts'

/** What an open found, as data: the log line, the metric and the embedder's answer say the same. */

export interface CutTail {
  readonly segment: number
  readonly position: number
  readonly bytes: number
  readonly why: string
}

export interface RecoveryReport {
  /** Nothing was there: a new store was made. */
  readonly created: boolean
  /** The store had been closed cleanly. */
  readonly clean: boolean
  /** LevelDB's view was missing, broken or from another time, and was made anew; says which. */
  readonly rebuilt: string | undefined
  readonly groupsReplayed: number
  /** Batches, keys of records and changes of state in them: at most `replayEntriesMax`, unless the view was made anew. */
  readonly entriesReplayed: number
  readonly bytesScanned: number
  readonly cut: CutTail | undefined
  readonly damages: readonly Damage[]
  /** What was given up because it is not there; undefined if nothing was. */
  readonly salvaged: Salvaged | undefined
  /** Why the queues' leader epochs rose; undefined if they did not. */
  readonly epochsRaised: string | undefined
  /** Files that are not part of the log and were removed. */
  readonly removed: readonly string[]
  readonly tookMs: number
}

/** One line of log for what an open found, louder where something was cut or damaged. */
export function reportRecovery(log: LogSink, report: RecoveryReport): void {
  const { created, clean, rebuilt, groupsReplayed, entriesReplayed, bytesScanned, tookMs } = report
  const replayed = { groupsReplayed, entriesReplayed, bytesScanned }
  log('info', 'store-opened', { created, clean, rebuilt, ...replayed, tookMs })
  if (report.cut !== undefined) log('warn', 'log-tail-cut', { ...report.cut })
  for (const damage of report.damages) log('error', 'log-damaged', { ...damage })
  if (report.salvaged !== undefined) log('error', 'store-salvaged', { ...report.salvaged })
  if (report.epochsRaised !== undefined)
    log('warn', 'leader-epochs-raised', { reason: report.epochsRaised })
  if (report.removed.length > 0) log('info', 'stray-files-removed', { files: report.removed })
}
