import type { Checkpointer } from './checkpoint.ts'
import { snapshotsKept } from './layout/snapshot.ts'
import type { Upkeep } from './sealed-group.ts'

export interface SnapshotFloorParts {
  readonly checkpointer: Checkpointer
  /** Sequence of the newest sealed group. */
  readonly sequence: () => number
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
}

/** Writes snapshots until all that are kept are of `sequence` or later; false if there will be none. */
export async function raiseFloor(
  { checkpointer, upkeep, sequence }: SnapshotFloorParts,
  wanted: number
): Promise<boolean> {
  // One that was begun before may be what is waited for first.
  for (let i = 0; i <= snapshotsKept && checkpointer.snapshotFloor < wanted; i++) {
    // Snapshots are told apart by their sequence: something has to happen between two.
    if (sequence() <= checkpointer.newestSnapshot) await upkeep({ dropSegments: [], roll: false })
    await checkpointer.snapshotNow()
  }
  return checkpointer.snapshotFloor >= wanted
}
