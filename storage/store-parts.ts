import type { Catalog } from './catalog.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { ColdReader } from './cold-reader.ts'
import type { Engine, EngineInfo } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import type { KeepPolicyOf } from './keep-policy.ts'
import type { KeyTable } from './key-table.ts'
import type { Log } from './log.ts'
import type { Clock, FileSystem, LogSink } from './ports.ts'
import type { QueueSizes } from './queue-sizes.ts'
import type { Reader } from './reader.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { RunIndex } from './run-index.ts'
import type { Upkeep } from './sealed-group.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentUsage } from './segment-usage.ts'
import type { FlushMode, StoreSettings } from './settings.ts'
import type { Space } from './space.ts'
import type { Tail } from './tail.ts'
import type { TimeSearch } from './time-search.ts'
import type { Waiters } from './waiters.ts'

/** The parts of an open store, as open-store.ts puts them together. */
export interface StoreParts {
  readonly info: EngineInfo
  readonly recovery: RecoveryReport
  readonly settings: StoreSettings
  readonly flushMode: FlushMode
  readonly logSink: LogSink
  readonly catalog: Catalog
  readonly log: Log
  readonly db: IndexDb
  readonly files: SegmentFiles
  readonly reader: Reader
  readonly cold: ColdReader
  readonly search: TimeSearch
  readonly tail: Tail
  readonly waiters: Waiters
  readonly space: Space
  readonly checkpointer: Checkpointer
  readonly keys: KeyTable
  readonly usage: SegmentUsage
  readonly sizes: QueueSizes
  readonly fileSystem: FileSystem
  /** The data folder, and the log's within it. */
  readonly folder: string
  readonly logFolder: string
  readonly clock: Clock
  readonly index: RunIndex
  readonly keepPolicyOf: KeepPolicyOf
  /** The store was closed cleanly: everything is durable and in the view. */
  readonly onClosed: () => Promise<void>
}

/** What works on an open store has besides: a way to commit, as a client and as the store itself. */
export interface StoreTools extends StoreParts {
  readonly engine: Pick<Engine, 'commit'>
  /** Sequence of the newest sealed group. */
  readonly sequence: () => number
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
}
