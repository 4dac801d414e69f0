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

/** Of a store that nobody has open. */
export async function autopsy(data: string): Promise<Autopsy> {
  const { problems, strays } = await checkStore(realFileSystem, data)
  const during = new Set<OwnWork>()
  const snapshots = await readdir(join(data, 'snapshots'))
  if (snapshots.some(isUnfinishedSnapshot)) during.add('snapshot')
  const folder = join(data, 'log')
  const files = await listSegments(realFileSystem, folder)
  const left = new Map<number, OwnWork>()
  for (const file of files.filter((one) => !isCopy(one))) await noteDropped(folder, file, left)
  for (const name of strays) {
    const id = parseSegmentFileName(name) ?? -1
    const file = files.find((one) => one.id === id)
    const isNewCopy = file !== undefined && isCopy(file)
    during.add(left.get(id) ?? (isNewCopy ? 'copying' : 'rolling'))
  }
  return { during, problems: problems.map((one) => JSON.stringify(one)) }
}

/** Notes for each segment that this one's groups take out of the live set why that was. */
async function noteDropped(
  folder: string,
  { id, header }: SegmentFile,
  left: Map<number, OwnWork>
): Promise<void> {
  if (header === undefined) return
  const file = await realFileSystem.open(join(folder, segmentFileName(id)), 'read')
  const group = ({ entries }: ScannedGroup): void => {
    const changes = entries.flatMap((entry) => (entry.kind === 'state' ? entry.changes : []))
    const isSwap = changes.some(({ op, ...one }) => {
      return op === 'put' && 'entry' in one && one.entry.family === 'segment'
    })
    for (const change of changes) {
      if (change.op !== 'delete' || change.key.family !== 'segment') continue
      left.set(Number(change.key.item), isSwap ? 'swapping' : 'deleting')
    }
  }
  try {
    const place = { storeId: header.storeId, segmentId: id, position: segmentHeaderBytes }
    await scanSegment(file, place, { group })
  } finally {
    await file.close()
  }
}
