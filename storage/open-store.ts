/** Opening a store: make it or find it, bring it to where its log ended, put its parts together. */
import { dirname, resolve } from 'node:path'
import type { Catalog } from './catalog.ts'
import { Checkpointer } from './checkpoint.ts'
import { ColdReader } from './cold-reader.ts'
import { Committer } from './committer.ts'
import { type Database, levelAt, sameDatabase } from './databases.ts'
import { OpenError } from './errors.ts'
import { findState, whyAsked } from './find-state.ts'
import { IndexDb } from './index-db.ts'
import { deathsMax, IndexLives } from './index-lives.ts'
import { type KeepPolicyOf, keepForever } from './keep-policy.ts'
import { KeyTable } from './key-table.ts'
import { segmentFileName } from './layout/segment.ts'
import { listSnapshots, pruneSnapshots } from './layout/snapshot.ts'
import type { Recovered, RecoveryParts } from './live-segments.ts'
import { createSegment, Log, type OpenSegment } from './log.ts'
import { openEnd } from './open-end.ts'
import {
  doubtfulMark,
  type OpenMark,
  putOpenMark,
  readOpenMark,
  removeOpenMark
} from './open-mark.ts'
import type { BulkTurns, Clock, FileSystem, LogSink, Random } from './ports.ts'
import { QueueSizes } from './queue-sizes.ts'
import { outgrowLoss } from './raise-epochs.ts'
import { Reader } from './reader.ts'
import { type RecoveryReport, reportRecovery } from './recovery-report.ts'
import { healHeaders } from './repair/heal-headers.ts'
import type { SalvageOptions } from './repair/salvage.ts'
import { ReplayBacklog } from './replay-backlog.ts'
import { leap, whyRestored, whyStateLost } from './restored.ts'
import { RunIndex } from './run-index.ts'
import { SegmentFiles } from './segment-files.ts'
import { SegmentUsage } from './segment-usage.ts'
import { type FlushMode, resolveStoreSettings, type StoreSettings } from './settings.ts'
import { systemTurns } from './sliced-turns.ts'
import { Space } from './space.ts'
import { Store } from './store.ts'
import {
  foldersOf,
  listSegments,
  refuseForeignFolder,
  type SegmentFile,
  storeIdOf
} from './store-folder.ts'
import type { StoreParts } from './store-parts.ts'
import { Tail } from './tail.ts'
import { TimeSearch } from './time-search.ts'
import { Waiters } from './waiters.ts'

export interface OpenOptions {
  /** The data folder; made if it is not there. */
  readonly folder: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly random: Random
  /** Those of the process unless a test has its own. */
  readonly turns?: BulkTurns
  readonly log: LogSink
  readonly flushMode?: FlushMode
  readonly settings?: Partial<StoreSettings>
  /** Another database in LevelDB's place, for tests. */
  readonly openIndex?: (path: string) => Database
  /** Names this boot of the machine ('' if unknown): tells a killed process from a machine that went down. */
  readonly bootId?: string
  /** Makes LevelDB's view anew even if it looks sound. */
  readonly rebuild?: boolean
  /** Writes damaged headers of segments anew first. */
  readonly healHeaders?: boolean
  /** Gives up what is not there where the open would be refused; whoever opens it so has to deal with that. */
  readonly salvage?: SalvageOptions
  /** How long the records of a topic are kept; for ever if left out. */
  readonly keepPolicyOf?: KeepPolicyOf
  /** The store was not closed: its log is about to be replayed. */
  readonly onReplay?: () => void
}

/** What is known of a folder before its state is read. */
interface Found {
  readonly storeId: Buffer
  readonly segments: readonly SegmentFile[]
  readonly created: boolean
}

/** Rejects with OpenError (the store cannot be opened; nothing was lost), RangeError (a setting out of range). */
export async function openStore(options: OpenOptions): Promise<Store> {
  const settings = resolveStoreSettings(options.settings)
  const { fileSystem } = options
  const folders = foldersOf(options.folder)
  await refuseForeignFolder(fileSystem, options.folder)
  for (const path of [options.folder, folders.log, folders.snapshots])
    await fileSystem.makeFolder(path)
  for (const path of [options.folder, dirname(resolve(options.folder))])
    await fileSystem.syncFolder(path).catch(refusedParent)
  const db = await openIndexDb(options, folders)
  try {
    if (options.healHeaders === true) {
      const segments = await healHeaders(fileSystem, folders.log)
      if (segments.length > 0) options.log('warn', 'segment-headers-written-anew', { segments })
    }
    const found = await findOrCreate(options, folders.log)
    return await assemble(options, settings, folders, db, found)
  } catch (error) {
    await db.close()
    throw error
  }
}

/** A parent that may not be read cannot be synced either: the folder was somebody else's to make. */
function refusedParent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error
}

/** Opens LevelDB, and the store's lock with it. */
async function openIndexDb(
  { fileSystem, clock, folder, log, openIndex, ...options }: OpenOptions,
  folders: ReturnType<typeof foldersOf>
): Promise<IndexDb> {
  const lives = await IndexLives.of(fileSystem, clock, folder)
  const { opening, soon } = lives.before
  const readAll = soon >= deathsMax
  let anew: string | undefined
  if (opening >= deathsMax) anew = `the last ${opening} starts ended while LevelDB was opened`
  if (anew !== undefined) log('warn', 'index-distrusted', { reason: anew })
  else if (opening > 0 || readAll) log('warn', 'index-doubted', { opening, soon })
  if (options.rebuild === true && options.salvage === undefined) anew ??= whyAsked
  // Of a newer version's store the index is left alone, too.
  if (anew !== undefined) storeIdOf(await listSegments(fileSystem, folders.log))
  await lives.begin()
  try {
    const databases =
      openIndex === undefined ? levelAt(folders.index) : sameDatabase(openIndex(folders.index))
    return await IndexDb.open(databases, { anew, readAll, lives })
  } catch (error) {
    await lives.end().catch(() => undefined)
    throw error
  }
}

async function findOrCreate(options: OpenOptions, folder: string): Promise<Found> {
  const { fileSystem, random, clock } = options
  const segments = await listSegments(fileSystem, folder)
  const known = storeIdOf(segments)
  if (known !== undefined) return { storeId: known, segments, created: false }
  const broken = segments.find(({ fault }) => fault !== undefined)
  if (broken !== undefined)
    throw new OpenError('unrecoverable', `segment ${broken.id}: ${broken.fault}`)
  if (options.salvage !== undefined)
    throw new OpenError('unrecoverable', `${folder} holds no segment: there is nothing to be had`)
  const { snapshots } = foldersOf(options.folder)
  if ((await listSnapshots(fileSystem, snapshots)).length > 0)
    throw new OpenError('unrecoverable', `${folder} holds no segment, though there is a snapshot`)
  // A first start that was cut off left at most a file without a header.
  for (const { id } of segments) await fileSystem.unlink(`${folder}/${segmentFileName(id)}`)
  const storeId = random.bytes(16)
  const file = await createSegment(fileSystem, folder, storeId, 1, clock.now())
  await file.close()
  return { storeId, segments: await listSegments(fileSystem, folder), created: true }
}

async function assemble(
  options: OpenOptions,
  settings: StoreSettings,
  folders: ReturnType<typeof foldersOf>,
  db: IndexDb,
  found: Found
): Promise<Store> {
  const { fileSystem, clock, log: logSink, flushMode = 'sync' } = options
  const startedMs = clock.monotonicMs()
  const { storeId } = found
  const recovering: RecoveryParts = {
    fileSystem,
    folder: folders.log,
    storeId,
    db,
    keys: new KeyTable(),
    usage: new SegmentUsage(),
    segments: found.segments,
    runsMax: settings.checkpointRunsMax,
    entriesMax: settings.replayEntriesMax,
    timersMax: settings.heldTimersMax
  }
  const openMark = await readOpenMark(fileSystem, options.folder)
  if (openMark !== undefined) options.onReplay?.()
  const state = await findState(options, recovering, folders.snapshots, found.created)
  const { catalog, recovered, salvaged } = state
  const rebuilt = found.created ? undefined : state.rebuilt
  const stateLost = salvaged?.isStateLost === true || openMark?.stateLost === true
  const mustLeap = openMark?.backedUpMs !== undefined || stateLost
  const before = stateLost ? { stateLost, ...openMark } : openMark
  const doubt = whyEpochsRise(recovered, before, options.bootId ?? '')
  // Before anything is cut: should this open be cut off too, the next one still knows.
  if (doubt !== undefined && openMark?.backedUpMs === undefined)
    await putOpenMark(fileSystem, options.folder, { ...doubtfulMark, stateLost })
  const { segment, cut } = await openEnd(fileSystem, folders.log, recovered, storeId, clock.now())
  noteOpenSegment(catalog, segment, found)
  catalog.begin(recovered.sequence)
  const { removed, snapshots } = await removeStrays(options, folders, found, catalog, db)
  const recovery: RecoveryReport = {
    created: found.created,
    clean: openMark === undefined && !found.created,
    rebuilt,
    groupsReplayed: recovered.replay.groups,
    entriesReplayed: recovered.replay.entries,
    bytesScanned: recovered.bytesScanned,
    cut,
    damages: recovered.damages,
    salvaged,
    epochsRaised: doubt,
    removed,
    tookMs: Math.round(clock.monotonicMs() - startedMs)
  }
  const log = new Log(fileSystem, folders.log, storeId, settings.segmentBytes, segment)
  const store = putTogether(options, settings, folders, {
    db,
    catalog,
    keys: recovering.keys,
    usage: recovering.usage,
    snapshots,
    log,
    recovery,
    storeId,
    recovered
  })
  reportRecovery(logSink, recovery)
  const mark = { flushMode, bootId: options.bootId ?? '' }
  if (openMark === undefined && doubt === undefined)
    await putOpenMark(fileSystem, options.folder, mark)
  await store.prepare(found.created || rebuilt !== undefined)
  if (mustLeap) await leap(store, catalog, clock)
  else if (doubt !== undefined) await outgrowLoss(store, catalog.queues.values())
  // Only now, with the epochs durable, is the mark of the open before no longer needed.
  await store.settle()
  await putOpenMark(fileSystem, options.folder, mark)
  return store
}

/** The open segment is live, and no id that a file has is given again. */
function noteOpenSegment(
  catalog: Catalog,
  { id, firstSequence }: OpenSegment,
  { segments }: Found
): void {
  if (catalog.segments.get(id) === undefined)
    catalog.putSegment({ id, firstSequence, lastSequence: -1, dataBytes: -1 })
  const newest = Math.max(id, ...segments.map((file) => file.id))
  if (catalog.counters.nextSegmentId <= newest)
    catalog.counters = { ...catalog.counters, nextSegmentId: newest + 1 }
}

/** Files outside the live set: left by a roll or a deletion that was cut off. */
async function removeStrays(
  { fileSystem }: OpenOptions,
  folders: ReturnType<typeof foldersOf>,
  found: Found,
  catalog: Catalog,
  db: IndexDb
): Promise<{ removed: string[]; snapshots: number[] }> {
  const removed: string[] = []
  for (const { id } of found.segments) {
    if (catalog.segments.has(id)) continue
    await db.dropUsage(id)
    await fileSystem.unlink(`${folders.log}/${segmentFileName(id)}`)
    removed.push(segmentFileName(id))
  }
  if (removed.length > 0) await fileSystem.syncFolder(folders.log)
  const kept = await pruneSnapshots(fileSystem, folders.snapshots)
  return { removed, snapshots: kept.map(({ sequence }) => sequence) }
}

/** Something acknowledged may be missing at the end: clients must be able to tell (KIP-101). */
function whyEpochsRise(
  recovered: Recovered,
  mark: Partial<OpenMark> | undefined,
  bootId: string
): string | undefined {
  const rebooted = mark?.bootId === '' || mark?.bootId !== bootId
  const asyncLoss = mark?.flushMode === 'async' && rebooted
  const { torn } = recovered.end
  if (mark?.backedUpMs !== undefined) return whyRestored
  if (mark?.stateLost === true) return whyStateLost
  if (torn !== undefined) return `the log's tail was cut: ${torn.why}`
  if (recovered.damages.length > 0) return 'the log is damaged'
  if (asyncLoss) return 'the machine went down in the flush mode async'
  return undefined
}

interface Core {
  readonly db: IndexDb
  readonly catalog: Catalog
  readonly keys: KeyTable
  readonly usage: SegmentUsage
  readonly snapshots: readonly number[]
  readonly log: Log
  readonly recovery: RecoveryReport
  readonly storeId: Buffer
  readonly recovered: Recovered
}

/** What an open left for the first checkpoint. */
function whatWasReplayed(
  { replay, bytesScanned: bytes }: Recovered,
  { queues }: Catalog,
  settings: StoreSettings
): { backlog: ReplayBacklog; runsHeld: number } {
  const { entries } = replay
  let runsHeld = 0
  for (const { runs } of queues.values()) runsHeld += runs.length
  return { backlog: new ReplayBacklog(settings, { entries, bytes }), runsHeld }
}

function putTogether(
  options: OpenOptions,
  settings: StoreSettings,
  folders: ReturnType<typeof foldersOf>,
  { db, catalog, keys, usage, snapshots, log, recovery, storeId, recovered }: Core
): Store {
  const { fileSystem, clock, log: logSink, flushMode = 'sync' } = options
  const world = { fileSystem, clock, logSink }
  const info = { storeId: storeId.toString('hex'), clusterId: storeId.toString('base64url') }
  const index = new RunIndex(db, settings.indexCacheBytes)
  const files = new SegmentFiles(fileSystem, folders.log, settings.openFilesMax)
  const stableEnd = (segment: number): number => committer.stableEnd(segment)
  const cold = new ColdReader(index, files, settings, stableEnd, options.turns ?? systemTurns)
  const reader = new Reader(catalog.queues, cold)
  const onFailed = (error: Error): void => store.noteFailed(error)
  const replayed = whatWasReplayed(recovered, catalog, settings)
  const state = { catalog, db, index, keys, usage }
  const checkpointer = new Checkpointer({
    ...state,
    ...replayed,
    snapshots,
    onDue: () => committer.poke(),
    ...world,
    folder: folders.snapshots,
    storeId,
    clusterId: info.clusterId,
    settings,
    onDiskFull: () => space.noteEnd(),
    onFailed
  })
  const { reserveBytes } = settings
  const onRoom = (): void => committer.poke()
  const space = new Space({ ...world, folder: folders.log, reserveBytes, onRoom })
  const parts: StoreParts = {
    ...world,
    ...state,
    info,
    recovery,
    settings,
    flushMode,
    log,
    files,
    reader,
    cold,
    search: new TimeSearch(index, reader),
    tail: new Tail(settings.tailBytes),
    waiters: new Waiters(clock, settings.waitersMax),
    space,
    checkpointer,
    sizes: new QueueSizes({ catalog, db, index, usage }),
    folder: options.folder,
    logFolder: folders.log,
    keepPolicyOf: options.keepPolicyOf ?? (() => keepForever),
    onClosed: () => removeOpenMark(fileSystem, options.folder)
  }
  const store: Store = new Store(parts)
  const committer: Committer = new Committer(
    {
      ...parts,
      storeId,
      backlog: replayed.backlog,
      onDurable: (group) => store.noteDurable(group),
      onQuiet: () => checkpointer.begin(store.viewMark()),
      onRolled: (segment) => {
        usage.begin(segment)
        checkpointer.wantSnapshot()
        store.noteSealed()
      },
      isCheckpointDue: () => checkpointer.isDue() && (space.hasRoom || checkpointer.putOff()),
      checkpointProgress: () => checkpointer.progress(),
      onFailed
    },
    { sequence: recovered.sequence, appendTimeMs: recovered.appendTimeMs }
  )
  store.start(committer)
  db.watch(onFailed)
  return store
}
