import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A folder of its own, removed after whatever the test starts later has ended. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
