import { type OpenOptions, openStore } from './open-store.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { type GivenUp, giveUpDamage } from './repair/give-up-damage.ts'

export interface ReindexOptions extends OpenOptions {
  /** Gives up what is damaged for good, so that the rest can be read. */
  readonly skipDamaged?: boolean
}

export interface ReindexReport extends RecoveryReport {
  readonly givenUp: GivenUp | undefined
}

/**
 * Makes LevelDB's view of a closed store anew from snapshot and log, and closes it. Checks nothing else, unless damage is
 * to be skipped. Rejects with OpenError as openStore does.
 */
export async function reindexStore(options: ReindexOptions): Promise<ReindexReport> {
  const { skipDamaged = false } = options
  const store = await openStore({ ...options, rebuild: true, healHeaders: skipDamaged })
  try {
    const givenUp = skipDamaged ? await store.tend(giveUpDamage) : undefined
    return { ...store.recovery, givenUp }
  } finally {
    await store.close()
  }
}
