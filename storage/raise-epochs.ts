import type { Change, Engine } from './contract.ts'
import type { Queue } from './queue.ts'

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
