/** The engine contract (storage/contract.ts) as tests: any engine must pass them. */
import type { Test } from 'tap'
import { appendTests } from './engine/appends.ts'
import { cleaningTests } from './engine/cleaning.ts'
import { compactedTransactionTests } from './engine/compacted-transactions.ts'
import { compactionTests } from './engine/compaction.ts'
import { compactionTimeTests } from './engine/compaction-times.ts'
import { conditionTests } from './engine/conditions.ts'
import { deletionTests } from './engine/deletion.ts'
import { idempotenceTests } from './engine/idempotence.ts'
import { packedTests } from './engine/packed.ts'
import { readTests } from './engine/reads.ts'
import { retentionTests } from './engine/retention.ts'
import { lifecycleTests, stateTests } from './engine/state.ts'
import { timerTests } from './engine/timers.ts'
import { timeTests } from './engine/times.ts'
import { topicTests } from './engine/topics.ts'
import { waitTests } from './engine/waits.ts'
import type { OpenEngine } from './engine/world.ts'

/** Each test opens an engine of its own. */
export function engineSuite(t: Test, open: OpenEngine): void {
  appendTests(t, open)
  conditionTests(t, open)
  topicTests(t, open)
  idempotenceTests(t, open)
  packedTests(t, open)
  readTests(t, open)
  waitTests(t, open)
  timeTests(t, open)
  timerTests(t, open)
  retentionTests(t, open)
  stateTests(t, open)
  lifecycleTests(t, open)
}

/** What the embedded log does with its segments; needs tiny ones. */
export function segmentSuite(t: Test, open: OpenEngine): void {
  deletionTests(t, open)
  cleaningTests(t, open)
  compactionTests(t, open)
  compactionTimeTests(t, open)
  compactedTransactionTests(t, open)
}
