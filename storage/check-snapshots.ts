import type { Deletions } from './check-deletions.ts'
import type { GroupChecks } from './check-groups.ts'
import type { CheckTotals, Problems } from './check-report.ts'
import { readSnapshot, type SnapshotHeader, type SnapshotName } from './layout/snapshot.ts'
import type { FileSystem } from './ports.ts'
import type { CountersRow, QueueRow, StoredRow } from './state/stored-rows.ts'

/** Rows that say what was deleted. */
const tellingFamilies: ReadonlySet<string> = new Set(['segment', 'queue', 'counters', 'log-start'])

/**
 * Each snapshot is readable, from this store and not from its future, and its queues end where the log's did when it
 * was taken. `nextSegmentId` and `nextQueueUid` lie beyond everything the log had used by then.
 */
export async function checkSnapshots(
  fileSystem: FileSystem,
  folder: string,
  snapshots: readonly SnapshotName[],
  storeId: Buffer,
  groups: GroupChecks,
  deletions: Deletions,
  totals: CheckTotals,
  problems: Problems
): Promise<void> {
  for (const { name } of snapshots) {
    const queues: QueueRow[] = []
    const counters: CountersRow[] = []
    const telling: StoredRow[] = []
    const header = await readSnapshot(fileSystem, `${folder}/${name}`, { storeId }, (entry) => {
      if (entry.family === 'queue') queues.push(entry.row)
      if (entry.family === 'counters') counters.push(entry.row)
      if (tellingFamilies.has(entry.family)) telling.push(entry)
    })
    const bad = (what: string) => problems.add({ where: 'snapshot', what, file: name })
    if ('why' in header) {
      bad(`it cannot be read: ${header.why}`)
      continue
    }
    totals.snapshots += 1
    deletions.noteSnapshot(header, telling)
    checkPlace(header, groups, bad)
    checkCounters(header, counters, groups, bad)
    checkEnds(queues, header, groups, deletions, problems, name)
  }
}

function checkPlace(
  header: SnapshotHeader,
  groups: GroupChecks,
  bad: (what: string) => void
): void {
  const { sequence, address } = header
  if (sequence > groups.lastSequence) {
    bad(`it is of group ${sequence}, the log ends with ${groups.lastSequence}`)
    return
  }
  const after = groups.addressAfter.get(sequence)
  // Replay may go on in the next segment, behind its header, when a segment was sealed in between.
  if (after === undefined || after.segment !== address.segment) return
  if (after.position !== address.position) {
    bad(`replay would go on at ${address.position}, group ${sequence} ends at ${after.position}`)
  }
}

function checkCounters(
  header: SnapshotHeader,
  counters: readonly CountersRow[],
  groups: GroupChecks,
  bad: (what: string) => void
): void {
  const [row] = counters
  if (counters.length > 1) bad('it has more than one row of counters')
  if (row === undefined) return
  if (row.nextSegmentId <= header.address.segment) {
    bad(`segment id ${row.nextSegmentId} would be given again`)
  }
  const used = Math.max(0, ...(groups.endsAt.get(header.sequence)?.keys() ?? []))
  if (row.nextQueueUid <= used) bad(`queue uid ${row.nextQueueUid} would be given again`)
}

function checkEnds(
  queues: readonly QueueRow[],
  header: SnapshotHeader,
  groups: GroupChecks,
  deletions: Deletions,
  problems: Problems,
  file: string
): void {
  const ends = groups.endsAt.get(header.sequence)
  if (ends === undefined) return
  for (const { queue: uid, nextOffset } of queues) {
    const end = ends.get(uid)
    if (end === undefined || end === nextOffset) continue
    const what = `it says that queue ${uid} ends at ${nextOffset}, the log ${end}`
    const problem = { where: 'snapshot', what, uid, file } as const
    // The segments with its last records may have been deleted.
    if (groups.hasGaps && end < nextOffset)
      deletions.doubt(problem, () =>
        deletions.isAccountedFor(uid, groups.topicOf(uid), end, nextOffset)
      )
    else problems.add(problem)
  }
}
