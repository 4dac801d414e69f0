/** Folders for servers that keep nothing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes an empty folder of its own and returns its path. */
export function makeTemporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'isthmus-'))
}

/** Removes a folder and everything in it. */
export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}
