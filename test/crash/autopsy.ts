/** What a killed process was doing when it died, from the files that it left. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkStore, realFileSystem } from '../../storage/index.ts'
import { segmentHeaderBytes } from '../../storage/layout/format.ts'
import { type ScannedGroup, scanSegment } from '../../storage/layout/scan.ts'
import { parseSegmentFileName, segmentFileName } from '../../storage/layout/segment.ts'
import { isUnfinishedSnapshot } from '../../storage/layout/snapshot-write.ts'
import { isCopy, listSegments, type SegmentFile } from '../../storage/store-folder.ts'
import type { OwnWork } from './aims.ts'

export interface Autopsy {
  readonly during: ReadonlySet<OwnWork>
  /** What contradicts itself in the store; a torn tail and strays do not. */
  readonly problems: readonly string[]
}

/** Why a segment is out of the live set. */
interface Dropped {
  readonly work: 'deleting' | 'swapping'
  /** That took its place, alone or with others. */
  readonly by: number | undefined
  readonly isAlone: boolean
}

/** Of a store that nobody has open. */
export async function autopsy(data: string): Promise<Autopsy> {
  const { problems, strays } = await checkStore(realFileSystem, data)
  const during = new Set<OwnWork>()
  const snapshots = await readdir(join(data, 'snapshots'))
  if (snapshots.some(isUnfinishedSnapshot)) during.add('snapshot')
  const folder = join(data, 'log')
  const files = await listSegments(realFileSystem, folder)
  const dropped = new Map<number, Dropped>()
  const contents = new Map<number, Contents>()
  for (const file of files) contents.set(file.id, await contentsOf(folder, file, dropped))
  for (const name of strays) {
    const id = parseSegmentFileName(name) ?? -1
    const file = files.find((one) => one.id === id)
    during.add(workOf(id, file !== undefined && isCopy(file), dropped.get(id), contents))
  }
  return { during, problems: problems.map((one) => JSON.stringify(one)) }
}

/** What left a file that is out of the live set. */
function workOf(
  id: number,
  isNewCopy: boolean,
  dropped: Dropped | undefined,
  contents: ReadonlyMap<number, Contents>
): OwnWork {
  if (dropped?.work === 'deleting') return 'deleting'
  if (dropped !== undefined) {
    // Compaction takes one segment at a time. Of several some may be gone, and what they held not known any more.
    const isCompaction = dropped.isAlone && isCompacted(dropped.by ?? -1, contents)
    return isCompaction ? 'replacing' : 'swapping'
  }
  if (!isNewCopy) return 'rolling'
  return isCompacted(id, contents) ? 'compacting' : 'copying'
}

/** What a segment holds, in words that are the same where it was copied as it was. */
interface Contents {
  readonly runs: readonly string[]
  /** Where the stretches that it stands for begin and end. */
  readonly bounds: readonly string[]
}

/**
 * Whether a copy holds something that none of its sources does, which are older, and all there. A cleaner's has runs
 * as they were, and of several stretches makes one from the first's begin to the last's end.
 */
function isCompacted(copy: number, contents: ReadonlyMap<number, Contents>): boolean {
  const known = new Set<string>()
  for (const [id, { runs, bounds }] of contents)
    if (id < copy) for (const one of [...runs, ...bounds]) known.add(one)
  const { runs = [], bounds = [] } = contents.get(copy) ?? {}
  return [...runs, ...bounds].some((one) => !known.has(one))
}

/** Notes for each segment that this one's groups take out of the live set why that was, too. */
async function contentsOf(
  folder: string,
  file: SegmentFile,
  dropped: Map<number, Dropped>
): Promise<Contents> {
  const { id, header } = file
  const contents = { runs: [] as string[], bounds: [] as string[] }
  if (header === undefined) return contents
  const group = ({ entries }: ScannedGroup): void => {
    for (const entry of entries) {
      if (entry.kind === 'run') {
        const { queue, baseOffset, recordCount, batchBytes } = entry.run
        contents.runs.push(`${queue}@${baseOffset}: ${recordCount}, ${batchBytes}`)
      }
      if (entry.kind !== 'stretches') continue
      for (const { queue, firstOffset, nextOffset } of entry.stretches)
        contents.bounds.push(`${queue} from ${firstOffset}`, `${queue} to ${nextOffset}`)
    }
    noteDropped(entries, dropped)
  }
  const opened = await realFileSystem.open(join(folder, segmentFileName(id)), 'read')
  try {
    const place = { storeId: header.storeId, segmentId: id, position: segmentHeaderBytes }
    await scanSegment(opened, place, { group })
  } finally {
    await opened.close()
  }
  return contents
}

function noteDropped(entries: ScannedGroup['entries'], dropped: Map<number, Dropped>): void {
  const changes = entries.flatMap((entry) => (entry.kind === 'state' ? entry.changes : []))
  const ids: number[] = []
  let by: number | undefined
  for (const change of changes) {
    if (change.op === 'put' && change.entry.family === 'segment') by = change.entry.row.id
    if (change.op === 'delete' && change.key.family === 'segment') ids.push(Number(change.key.item))
  }
  const work = by === undefined ? 'deleting' : 'swapping'
  for (const id of ids) dropped.set(id, { work, by, isAlone: ids.length === 1 })
}
