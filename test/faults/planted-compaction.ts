/** A compaction that says too early how far it has come, within the store, where nothing of a test's stands between. */

import { CompactionPass } from '../../storage/compaction/pass.ts'
import type { DueQueue } from '../../storage/compaction/plan.ts'
import { IndexDb } from '../../storage/index-db.ts'

/** While `work` goes on, a pass keeps the clean end that it will come to before it has rewritten anything. */
export async function withEarlyCleanEnds<T>(work: () => Promise<T>): Promise<T> {
  const { run } = CompactionPass.prototype
  const { compacted } = IndexDb.prototype
  let db: IndexDb | undefined
  IndexDb.prototype.compacted = function (queue) {
    db = this
    return compacted.call(this, queue)
  }
  CompactionPass.prototype.run = async function (due: readonly DueQueue[]) {
    for (const { queue, limit, hasTransactions } of due)
      await db?.putCompacted(queue.uid, { cleanEnd: limit, horizonMs: null, hasTransactions })
    return await run.call(this, due)
  }
  try {
    return await work()
  } finally {
    CompactionPass.prototype.run = run
    IndexDb.prototype.compacted = compacted
  }
}
