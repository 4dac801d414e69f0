import type { Change, Engine } from './contract.ts'
import type { Queue } from './queue.ts'

/** More producer ids than are given out between two groups of which the earlier alone is left. */
const lostIdsMax = 2 ** 20

/**
 * What an open does that cannot prove that all is there which clients were told: leader epochs rise, and producer ids
 * leap over those that may have been given out. One that was given twice would have its second owner's batches taken
 * for the first one's, sent again.
 */
export async function outgrowLoss(
  engine: Pick<Engine, 'commit'>,
  queues: Iterable<Queue>
): Promise<void> {
  await engine.commit({ changes: [{ op: 'reserve-producer-ids', count: lostIdsMax }] })
  await raiseEpochs(engine, queues)
}

/** Changes in one commit, so that a store of many queues does not make one huge one. */
const changesPerCommit = 64

/**
 * Begins a new leader epoch for every queue at its end (KIP-101): clients look whether what they read is there. It is
 * the next one, or `epochMin` where that is greater.
 */
export async function raiseEpochs(
  engine: Pick<Engine, 'commit'>,
  queues: Iterable<Queue>,
  epochMin = 0
): Promise<void> {
  let changes: Change[] = []
  for (const queue of queues) {
    const epochs = [
      ...queue.epochs.filter((one) => one.startOffset < queue.highWatermark || one.epoch === 0),
      { epoch: Math.max(queue.leaderEpoch + 1, epochMin), startOffset: queue.highWatermark }
    ]
    changes.push({
      op: 'put',
      row: { family: 'queue-epochs', row: { queue: queue.uid, epochs } }
    })
    if (changes.length < changesPerCommit) continue
    await engine.commit({ changes })
    changes = []
  }
  if (changes.length > 0) await engine.commit({ changes })
}
