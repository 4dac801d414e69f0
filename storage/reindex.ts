import { type OpenOptions, openStore } from './open-store.ts'
import type { RecoveryReport } from './recovery-report.ts'

/**
 * Makes LevelDB's view of a closed store anew from snapshot and log, checks nothing else, and closes it.
 * Rejects with OpenError as openStore does.
 */
export async function reindexStore(options: OpenOptions): Promise<RecoveryReport> {
  const store = await openStore({ ...options, rebuild: true })
  await store.close()
  return store.recovery
}
