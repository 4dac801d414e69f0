import { type OpenOptions, openStore } from './open-store.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { GivenUp } from './repair/give-up-damage.ts'
import type { SalvageOptions } from './repair/salvage.ts'
import { foldersOf } from './store-folder.ts'
import type { StoreTools } from './store-parts.ts'

export interface ReindexOptions extends Omit<OpenOptions, 'salvage'> {
  /** Gives up what is damaged or missing for good, so that the rest can be read. */
  readonly skipDamaged?: boolean
  /** The same, and where no snapshot can be read the state is made of what the segments tell. */
  readonly fromSegments?: boolean
  /** Settings for topics whose own are lost. */
  readonly settingsOf?: SalvageOptions['settingsOf']
}

export interface ReindexReport extends RecoveryReport {
  readonly givenUp: GivenUp | undefined
}

/**
 * Makes LevelDB's view of a closed store anew from snapshot and log, and closes it. Checks nothing else, unless damage is
 * to be skipped. Rejects with OpenError as openStore does.
 */
export async function reindexStore(options: ReindexOptions): Promise<ReindexReport> {
  const { skipDamaged = false, fromSegments = false, settingsOf, ...rest } = options
  const opening = { ...rest, rebuild: true }
  if (!skipDamaged && !fromSegments) {
    const store = await openStore(opening)
    await store.close()
    return { ...store.recovery, givenUp: undefined }
  }
  // A server never needs them: its start does not wait for these files.
  const { giveUpDamage } = await import('./repair/give-up-damage.ts')
  const { dropUnreadable } = await import('./repair/drop-unreadable.ts')
  const salvage = { fromSegments, ...(settingsOf === undefined ? {} : { settingsOf }) }
  const store = await openStore({ ...opening, healHeaders: true, salvage })
  try {
    const givenUp = await store.tend(async (tools: StoreTools) => {
      const found = await giveUpDamage(tools)
      await dropUnreadable(tools, foldersOf(options.folder).snapshots)
      return found
    })
    return { ...store.recovery, givenUp }
  } finally {
    await store.close()
  }
}
