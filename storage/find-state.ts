/**
 * Where an open takes its state from: LevelDB's view, else the newest snapshot and the log, and where somebody has said
 * that what is lost may be given up, whatever is left of them.
 */
import { Catalog } from './catalog.ts'
import { OpenError } from './errors.ts'
import type { ViewMark } from './index-db.ts'
import { listSnapshots } from './layout/snapshot.ts'
import { isThere, type Recovered, type RecoveryParts } from './live-segments.ts'
import { type NewestSnapshot, newestSnapshot } from './newest-snapshot.ts'
import type { LogSink } from './ports.ts'
import { recoverFromLog, recoverFromView, whyViewUnusable } from './recovery.ts'
import type { Salvaged, SalvageOptions } from './repair/salvage.ts'

export interface FindStateOptions {
  /** LevelDB's view is made anew even if it looks sound. */
  readonly rebuild?: boolean | undefined
  readonly salvage?: SalvageOptions | undefined
  readonly log: LogSink
}

export interface FoundState {
  readonly catalog: Catalog
  readonly recovered: Recovered
  /** Why the view was made anew; undefined if it was not. */
  readonly rebuilt: string | undefined
  readonly salvaged?: Salvaged
}

export const whyAsked = 'a rebuild was asked for'

/** `isNew`: the store was just made. Rejects with OpenError. */
export async function findState(
  options: FindStateOptions,
  parts: RecoveryParts,
  snapshotFolder: string,
  isNew: boolean
): Promise<FoundState> {
  const { fileSystem, storeId } = parts
  const listed = (await listSnapshots(fileSystem, snapshotFolder))[0]?.sequence ?? 0
  let rebuilt: string | undefined
  if (options.rebuild === true) rebuilt = parts.db.remade ?? whyAsked
  else if (!isNew) {
    const catalog = new Catalog()
    const view = await tryView(parts, catalog, listed)
    if (typeof view !== 'string') return { catalog, recovered: view, rebuilt: undefined }
    rebuilt = parts.db.remade ?? view
  }
  const snapshot = await newestSnapshot(fileSystem, snapshotFolder, storeId, options.log)
  if (options.salvage !== undefined) {
    const found = await viewThatKnowsMore(parts, listed, snapshot)
    if (found !== undefined) return found
    forget(parts)
  }
  const catalog = new Catalog()
  try {
    return { catalog, recovered: await recoverFromLog(parts, catalog, snapshot), rebuilt }
  } catch (error) {
    if (!(error instanceof OpenError) || error.code !== 'unrecoverable') throw error
    if (options.salvage === undefined) throw error
    return { ...(await salvageState(parts, snapshot, options.salvage, error)), rebuilt }
  }
}

async function salvageState(
  parts: RecoveryParts,
  snapshot: NewestSnapshot | undefined,
  options: SalvageOptions,
  refusal: OpenError
): Promise<Omit<FoundState, 'rebuilt'>> {
  if (snapshot === undefined && !options.fromSegments) throw refusal
  forget(parts)
  const catalog = new Catalog()
  // A server never needs it: its start does not wait for the files of it.
  const { salvage } = await import('./repair/salvage.ts')
  return { ...(await salvage(parts, catalog, snapshot, options)), catalog }
}

/** What LevelDB's view and the log behind it give, or why the view cannot be gone on with. */
async function tryView(
  parts: RecoveryParts,
  catalog: Catalog,
  newestSnapshotSequence: number
): Promise<Recovered | string> {
  try {
    const mark = await parts.db.viewMark()
    const why = await whyViewUnusable(parts, mark, newestSnapshotSequence)
    if (why !== undefined) return why
    return await recoverFromView(parts, catalog, mark as ViewMark)
  } catch (error) {
    if (error instanceof OpenError) throw error
    return `it cannot be read: ${(error as Error).message}`
  }
}

/** The view, where it alone has state of a segment that is missing. */
async function viewThatKnowsMore(
  parts: RecoveryParts,
  listed: number,
  snapshot: NewestSnapshot | undefined
): Promise<FoundState | undefined> {
  const catalog = new Catalog()
  const recovered = await tryView(parts, catalog, listed).catch((error: Error) => error.message)
  if (typeof recovered === 'string') return undefined
  const missing = [...catalog.segments.values()].filter(({ id }) => !isThere(parts, id))
  const through = snapshot?.header.sequence ?? -1
  if (!missing.some(({ lastSequence }) => lastSequence > through)) return undefined
  const salvaged = {
    missing: missing.map(({ id }) => id),
    isStateLost: false,
    fromSegments: false,
    gaps: [],
    leftOut: [],
    topics: []
  }
  return { catalog, recovered, rebuilt: undefined, salvaged }
}

/** Nothing is left of what was tried. */
function forget({ keys, usage }: RecoveryParts): void {
  keys.take()
  keys.written()
  usage.clear()
}
