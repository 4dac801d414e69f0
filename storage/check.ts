/**
 * The consistency checker: reads a closed store's segments and snapshots, changes nothing, and reports as data
 * whatever contradicts docs/storage-format.md. It trusts no index and no state: descriptions in the segments name
 * topics and queues.
 */
import { Deletions } from './check-deletions.ts'
import { GroupChecks } from './check-groups.ts'
import { type CheckReport, type CheckTotals, Problems } from './check-report.ts'
import { checkSnapshots } from './check-snapshots.ts'
import { OpenError } from './errors.ts'
import { FileWindow } from './layout/file-window.ts'
import { segmentFooterBytes, segmentHeaderBytes } from './layout/format.ts'
import { LayoutError } from './layout/layout-error.ts'
import { type ScanEnd, scanSegment } from './layout/scan.ts'
import { segmentFileName } from './layout/segment.ts'
import { listSnapshots, type SnapshotName } from './layout/snapshot.ts'
import type { FileSystem } from './ports.ts'
import {
  foldersOf,
  isCopy,
  listSegments,
  refuseForeignFolder,
  type SegmentFile
} from './store-folder.ts'

export type { CheckProblem, CheckReport, CheckTotals } from './check-report.ts'

export interface CheckOptions {
  /** Reads every record's bytes against its batch's CRC. True unless said otherwise. */
  readonly payloads?: boolean
  /** How many problems are listed, the others only counted. */
  readonly problemsMax?: number
}

const problemsMaxDefault = 1000

/**
 * Checks the store in a folder that no process has open. Rejects with OpenError for a folder that is no store or
 * of a newer version, and with what the file system rejects with.
 */
export async function checkStore(
  fileSystem: FileSystem,
  folder: string,
  options: CheckOptions = {}
): Promise<CheckReport> {
  await refuseForeignFolder(fileSystem, folder)
  const folders = foldersOf(folder)
  const segments = await listOrRefuse(fileSystem, folders.log)
  const snapshots = await listSnapshots(fileSystem, folders.snapshots).catch(noneIfMissing)
  const check = new StoreCheck(fileSystem, folders, segments, snapshots, options)
  return check.run()
}

async function listOrRefuse(fileSystem: FileSystem, folder: string): Promise<SegmentFile[]> {
  try {
    return await listSegments(fileSystem, folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new OpenError('not-a-store', `${folder} is not there`, { cause: error })
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): readonly SnapshotName[] {
  if (error.code === 'ENOENT') return []
  throw error
}

interface Scan {
  readonly segment: number
  readonly storeId: Buffer
  readonly checks: GroupChecks
  /** Undefined: whatever comes first. */
  readonly expectedSequence: number | undefined
}

class StoreCheck {
  readonly #fileSystem: FileSystem
  readonly #folders: ReturnType<typeof foldersOf>
  readonly #segments: readonly SegmentFile[]
  readonly #snapshots: readonly SnapshotName[]
  readonly #options: CheckOptions
  readonly #problems: Problems
  readonly #deletions: Deletions
  readonly #groups: GroupChecks
  readonly #strays: string[] = []
  readonly #totals: CheckTotals = {
    segments: 0,
    groups: 0,
    runs: 0,
    batches: 0,
    records: 0,
    stateChanges: 0,
    bytes: 0,
    snapshots: 0
  }
  #torn: CheckReport['torn']

  constructor(
    fileSystem: FileSystem,
    folders: ReturnType<typeof foldersOf>,
    segments: readonly SegmentFile[],
    snapshots: readonly SnapshotName[],
    options: CheckOptions
  ) {
    this.#fileSystem = fileSystem
    this.#folders = folders
    this.#segments = segments
    this.#snapshots = snapshots
    this.#options = options
    this.#problems = new Problems(options.problemsMax ?? problemsMaxDefault)
    const wanted = new Set(snapshots.map(({ sequence }) => sequence))
    this.#deletions = new Deletions(this.#problems)
    this.#groups = new GroupChecks(this.#problems, this.#totals, this.#deletions, wanted)
  }

  async run(): Promise<CheckReport> {
    const storeId = this.#segments.find(({ header }) => header !== undefined)?.header?.storeId
    if (storeId === undefined) {
      this.#problems.add({ where: 'folder', what: 'no segment with a readable header is there' })
      return this.#report(undefined)
    }
    await this.#followLog(storeId)
    await checkSnapshots(
      this.#fileSystem,
      this.#folders.snapshots,
      this.#snapshots,
      storeId,
      this.#groups,
      this.#deletions,
      this.#totals,
      this.#problems
    )
    await this.#checkCopies(storeId)
    this.#deletions.judge()
    this.#nameDeleted()
    return this.#report(storeId)
  }

  #report(storeId: Buffer | undefined): CheckReport {
    return {
      ...(storeId === undefined ? {} : { storeId: storeId.toString('hex') }),
      lastSequence: this.#groups.lastSequence,
      totals: this.#totals,
      problems: this.#problems.list,
      problemsLeftOut: this.#problems.leftOut,
      ...(this.#torn === undefined ? {} : { torn: this.#torn }),
      strays: this.#strays
    }
  }

  /** From segment to segment by their footers. */
  async #followLog(storeId: Buffer): Promise<void> {
    let expectedSequence: number | undefined
    let due: number | undefined
    const chain = this.#segments.filter((file) => !isCopy(file))
    for (const [index, file] of chain.entries()) {
      if (due !== undefined && file.id < due) {
        this.#strays.push(segmentFileName(file.id))
        continue
      }
      const add = (what: string) => {
        this.#problems.add({ where: 'segment', what, segment: file.id })
      }
      if (due !== undefined && file.id > due) {
        this.#noteGap(due, file.id)
        expectedSequence = undefined
      }
      due = undefined
      const why = whyNotRead(file, storeId)
      if (why !== undefined) {
        add(why)
        expectedSequence = undefined
        continue
      }
      const checks = this.#groups
      const end = await this.#scan({ segment: file.id, storeId, checks, expectedSequence })
      if (end === undefined) return
      this.#totals.segments += 1
      this.#totals.bytes += end.position + (end.footer === undefined ? 0 : segmentFooterBytes)
      expectedSequence = end.nextSequence
      due = end.footer?.nextSegmentId
      if (due !== undefined) continue
      if (await this.#isEmpty(chain.slice(index + 1), storeId)) {
        this.#strays.push(...chain.slice(index + 1).map(({ id }) => segmentFileName(id)))
        if (end.torn !== undefined) this.#torn = { segment: file.id, ...end.torn }
        return
      }
      add('it has no footer, but the log goes on in a later segment')
    }
    if (due !== undefined) {
      const what = 'the log goes on here, but the file is not there'
      this.#problems.add({ where: 'segment', what, segment: due })
    }
  }

  /** Segments from `due` on to the one that is there were deleted, or are missing. */
  #noteGap(due: number, there: number): void {
    this.#groups.noteGap()
    for (let id = due; id < there; id++) {
      // A copy, which is no part of the chain.
      if (this.#segments.some((file) => file.id === id)) continue
      const what = `segment ${id} before it is not there`
      this.#deletions.doubt({ where: 'segment', what, segment: there }, () => {
        // Not every id became a segment: a copy may have been cut off.
        const isUnused = id !== due && !this.#deletions.wasSegmentLive(id)
        return isUnused || this.#deletions.isSegmentDeleted(id)
      })
    }
  }

  /** What cleaning made: no part of the chain, each on its own. */
  async #checkCopies(storeId: Buffer): Promise<void> {
    for (const file of this.#segments.filter(isCopy)) {
      const { id: segment } = file
      if (!this.#deletions.wasSegmentLive(segment) || this.#deletions.isSegmentDeleted(segment)) {
        this.#strays.push(segmentFileName(segment))
        continue
      }
      const why = whyNotRead(file, storeId)
      if (why !== undefined) this.#problems.add({ where: 'segment', what: why, segment })
      else await this.#checkCopy(segment, storeId)
    }
  }

  async #checkCopy(segment: number, storeId: Buffer): Promise<void> {
    const checks = new GroupChecks(this.#problems, this.#totals, this.#deletions, new Set(), true)
    const end = await this.#scan({ segment, storeId, checks, expectedSequence: 1 })
    if (end === undefined) return
    this.#totals.segments += 1
    this.#totals.bytes += end.position + segmentFooterBytes
    if (end.footer === undefined)
      this.#problems.add({ where: 'segment', what: 'it has no footer', segment })
  }

  /** Files of deleted segments: the deletion was cut off, and the next open goes on with it. */
  #nameDeleted(): void {
    for (const { id } of this.#segments) {
      const name = segmentFileName(id)
      if (this.#deletions.isSegmentDeleted(id) && !this.#strays.includes(name))
        this.#strays.push(name)
    }
  }

  async #scan({ segment, storeId, checks, expectedSequence }: Scan): Promise<ScanEnd | undefined> {
    try {
      return await this.#withFile(segment, async (handle) => {
        const { payloads = true } = this.#options
        checks.beginSegment(payloads ? new FileWindow(handle, await handle.size()) : undefined)
        const place = { storeId, segmentId: segment, position: segmentHeaderBytes }
        const options = expectedSequence === undefined ? place : { ...place, expectedSequence }
        const end = await scanSegment(handle, options, checks)
        this.#noteEnd(segment, end, checks)
        return end
      })
    } catch (error) {
      if (!(error instanceof LayoutError)) throw error
      this.#problems.add({ where: 'segment', what: error.message, segment })
      return undefined
    }
  }

  #noteEnd(segment: number, end: ScanEnd, { groupsInSegment }: GroupChecks): void {
    for (const damage of end.damages) {
      const { fromPosition: position, toPosition, sequences } = damage
      const lost = sequences === undefined ? '' : `, groups ${sequences.first} to ${sequences.last}`
      const what = `${damage.what}: damaged up to ${toPosition}${lost}`
      this.#problems.add({ where: 'group', what, segment, position })
    }
    const { footer } = end
    if (footer === undefined || end.damages.length > 0) return
    if (footer.groupCount !== groupsInSegment) {
      const what = `its footer counts ${footer.groupCount} groups, not ${groupsInSegment}`
      this.#problems.add({ where: 'segment', what, segment, position: footer.position })
    }
  }

  /** Whether files after the end of the log hold no group: a roll was cut off. */
  async #isEmpty(files: readonly SegmentFile[], storeId: Buffer): Promise<boolean> {
    for (const file of files) {
      if (whyNotRead(file, storeId) !== undefined) continue
      const place = { storeId, segmentId: file.id, position: segmentHeaderBytes }
      const end = await this.#withFile(file.id, (handle) => {
        return scanSegment(handle, place, { group: () => undefined })
      })
      if (end.groupCount > 0 || end.footer !== undefined) return false
    }
    return true
  }

  async #withFile<T>(
    segment: number,
    use: (file: Awaited<ReturnType<FileSystem['open']>>) => Promise<T>
  ): Promise<T> {
    const path = `${this.#folders.log}/${segmentFileName(segment)}`
    const file = await this.#fileSystem.open(path, 'read')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }
}

function whyNotRead(file: SegmentFile, storeId: Buffer): string | undefined {
  if (file.header === undefined) return file.fault ?? 'its header is missing'
  if (!file.header.storeId.equals(storeId)) return 'it belongs to another store'
  if (file.header.segmentId !== file.id) return `its header says segment ${file.header.segmentId}`
  return undefined
}
