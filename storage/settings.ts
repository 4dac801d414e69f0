/** Every limit and size of the store, with its range: what configuration shows and checks. */

export interface NumberSetting {
  readonly default: number
  readonly min: number
  readonly max: number
  /** What the number counts. */
  readonly unit: 'bytes' | 'ms' | 'count'
  readonly doc: string
}

const kib = 1024
const mib = 1024 * kib
const gib = 1024 * mib

export const storeSettings = {
  segmentBytes: {
    default: 256 * mib,
    min: 64 * kib,
    max: 1 * gib,
    unit: 'bytes',
    doc: 'Size at which a segment of the log is sealed and the next one begun.'
  },
  flushBytesMax: {
    default: 4 * mib,
    min: 4 * kib,
    max: 64 * mib,
    unit: 'bytes',
    doc: 'Most that one flush takes; a larger single commit flushes alone.'
  },
  runBytesMax: {
    default: 256 * kib,
    min: 1 * kib,
    max: 4 * mib,
    unit: 'bytes',
    doc: 'Most that one run of batches holds; a larger single batch is a run of its own.'
  },
  pendingBytesMax: {
    default: 128 * mib,
    min: 1 * mib,
    max: 2 * gib,
    unit: 'bytes',
    doc: 'Appended bytes that may wait for their flush; above it commits are refused as overload.'
  },
  pendingCommitsMax: {
    default: 100_000,
    min: 16,
    max: 1_000_000,
    unit: 'count',
    doc: 'Commits that may wait for their flush; above it they are refused as overload.'
  },
  tailBytes: {
    default: 64 * mib,
    min: 64 * kib,
    max: 4 * gib,
    unit: 'bytes',
    doc: 'Memory that keeps the newest flush groups, so that readers at the end touch no disk.'
  },
  asyncBytesMax: {
    default: 8 * mib,
    min: 4 * kib,
    max: 1 * gib,
    unit: 'bytes',
    doc: 'Flush mode async: written bytes that may wait for an fsync.'
  },
  asyncDelayMsMax: {
    default: 50,
    min: 1,
    max: 60_000,
    unit: 'ms',
    doc: 'Flush mode async: how long a written group may wait for an fsync.'
  },
  checkpointBytes: {
    default: 64 * mib,
    min: 16 * kib,
    max: 1 * gib,
    unit: 'bytes',
    doc: 'Log after which a checkpoint is due.'
  },
  checkpointRunsMax: {
    default: 60_000,
    min: 64,
    max: 2_000_000,
    unit: 'count',
    doc: 'Index entries and keys kept in memory after which a checkpoint is due, which moves them to LevelDB.'
  },
  replayEntriesMax: {
    default: 80_000,
    min: 256,
    max: 4_000_000,
    unit: 'count',
    doc: 'Batches, keys and changes of state behind the last checkpoint: with more, commits wait for the next. Bounds a restart after a kill.'
  },
  replayBytesMax: {
    default: 256 * mib,
    min: 64 * kib,
    max: 16 * gib,
    unit: 'bytes',
    doc: 'Log behind the last checkpoint: with more, commits wait for the next. Bounds a restart after a kill.'
  },
  heldTimersMax: {
    default: 50_000,
    min: 16,
    max: 2_000_000,
    unit: 'count',
    doc: 'Changes of timers kept in memory before a checkpoint moves them to LevelDB.'
  },
  reserveBytes: {
    default: 256 * mib,
    min: 0,
    max: 1024 * gib,
    unit: 'bytes',
    doc: 'Free disk space below which appends are refused, so that state and index never meet a full disk. Taken again with a quarter of it more, at most 64 MiB.'
  },
  indexCacheBytes: {
    default: 16 * mib,
    min: 64 * kib,
    max: 1 * gib,
    unit: 'bytes',
    doc: 'Memory for index blocks read back from LevelDB.'
  },
  coldReadsMax: {
    default: 2,
    min: 1,
    max: 64,
    unit: 'count',
    doc: 'Reads from disk at the same time; more wait, so that writes never queue behind them.'
  },
  coldCacheBytes: {
    default: 64 * mib,
    min: 0,
    max: 4 * gib,
    unit: 'bytes',
    doc: 'Memory for chunks of the log, older than the tail, that several queues are read from.'
  },
  openFilesMax: {
    default: 64,
    min: 2,
    max: 4096,
    unit: 'count',
    doc: 'Sealed segments kept open for reading.'
  },
  waitersMax: {
    default: 100_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    doc: 'Readers that may wait for data; a further one is answered at once.'
  },
  producersPerQueueMax: {
    default: 10_000,
    min: 5,
    max: 1_000_000,
    unit: 'count',
    doc: 'Idempotent producers remembered for a queue; the one longest silent is forgotten first.'
  },
  producerExpiryMs: {
    default: 86_400_000,
    min: 1000,
    max: 2_147_483_647,
    unit: 'ms',
    doc: 'How long a silent idempotent producer is remembered (producer.id.expiration.ms).'
  },
  retentionCheckIntervalMs: {
    default: 30_000,
    min: 10,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Longest time from when records or segments may go to the check that takes them (log.retention.check.interval.ms).'
  },
  cleanerBytesPerSecondMax: {
    default: 16 * mib,
    min: 64 * kib,
    max: 16 * gib,
    unit: 'bytes',
    doc: 'What the cleaner writes in a second, so that it does not hold up writers and readers.'
  },
  compactionMapBytesMax: {
    default: 32 * mib,
    min: 64 * kib,
    max: 2 * gib,
    unit: 'bytes',
    doc: 'Memory for the keys of one compaction, 32 bytes each, while it runs; more keys take several (log.cleaner.dedupe.buffer.size).'
  },
  changesPerCommitMax: {
    default: 100_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    doc: 'State changes that one commit may carry.'
  }
} as const satisfies Record<string, NumberSetting>

export type StoreSettings = { readonly [K in keyof typeof storeSettings]: number }

/** The defaults, with `overrides` in their place. Throws RangeError for a value out of range. */
export function resolveStoreSettings(overrides: Partial<StoreSettings> = {}): StoreSettings {
  const resolved: Record<string, number> = {}
  for (const [name, setting] of Object.entries(storeSettings)) {
    const value = overrides[name as keyof StoreSettings] ?? setting.default
    if (!Number.isSafeInteger(value) || value < setting.min || value > setting.max)
      throw new RangeError(`${name} is ${value}; it must be ${setting.min} to ${setting.max}`)
    resolved[name] = value
  }
  return resolved as unknown as StoreSettings
}

/** Sync: an acknowledgement means fsynced. Async: it means written; the fsync follows within named bounds. */
export type FlushMode = 'sync' | 'async'
