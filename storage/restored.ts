/**
 * What the first open of a backup, or of a store that lost state, does so that clients can tell it from the store that
 * was. That one lived on, or knew more: it raised epochs and gave out producer ids that this one knows nothing of, and
 * so may another restore of the same backup have done. What is taken here comes from the clock, so that no such number
 * means two things.
 */
import type { Catalog } from './catalog.ts'
import type { Engine } from './contract.ts'
import type { Clock } from './ports.ts'
import { raiseEpochs } from './raise-epochs.ts'

export const whyRestored = 'the store was restored from a backup'
export const whyStateLost = 'state of the store is lost'

/** Epochs of restored stores count the seconds from here: 2020-01-01, ms since the epoch. */
const beginningMs = 1_577_836_800_000
/** Leader epochs are 32 bits to clients; this leaves a million to rise by one (in 2088). */
const epochMax = 2 ** 31 - 1_000_000
/** Producer ids that a store may give out in a second of its life without reaching those of a later restore. */
const idsPerSecond = 2 ** 20

/**
 * Begins a leader epoch for every queue, at its end, that no store with the same past has used: Kafka's clients that
 * have read, or written, beyond what was backed up find out where their epoch ended (KIP-101, KIP-320). Producer ids
 * go on behind all that were given out.
 */
export async function leap(
  engine: Pick<Engine, 'commit'>,
  { queues, counters }: Catalog,
  clock: Clock
): Promise<void> {
  const seconds = Math.max(0, Math.floor((clock.now() - beginningMs) / 1000))
  const epoch = Math.min(seconds, epochMax)
  const count = epoch * idsPerSecond - counters.nextProducerId
  if (count > 0) await engine.commit({ changes: [{ op: 'reserve-producer-ids', count }] })
  await raiseEpochs(engine, queues.values(), epoch)
}
