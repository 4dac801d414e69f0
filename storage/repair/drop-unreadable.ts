import { checkSnapshot, listSnapshots } from '../layout/snapshot.ts'
import type { FileSystem } from '../ports.ts'
import { raiseFloor, type SnapshotFloorParts } from '../snapshot-floor.ts'

/**
 * Removes snapshots that are damaged, once there are enough of the store as it is now. They would go by themselves when
 * newer ones are written, but those of a log that lost its end may count as newer for long. Rejects as the file system
 * does.
 */
export async function dropUnreadable(
  parts: SnapshotFloorParts & { readonly fileSystem: FileSystem },
  folder: string
): Promise<void> {
  const { fileSystem } = parts
  if ((await unreadable(fileSystem, folder)).length === 0) return
  if (!(await raiseFloor(parts, parts.sequence()))) return
  // One may have been written in the place of another.
  for (const name of await unreadable(fileSystem, folder))
    await fileSystem.unlink(`${folder}/${name}`)
  await fileSystem.syncFolder(folder)
}

async function unreadable(fileSystem: FileSystem, folder: string): Promise<string[]> {
  const names: string[] = []
  for (const { name } of await listSnapshots(fileSystem, folder)) {
    const found = await checkSnapshot(fileSystem, `${folder}/${name}`, {})
    if ('why' in found && !found.unsupported) names.push(name)
  }
  return names
}
