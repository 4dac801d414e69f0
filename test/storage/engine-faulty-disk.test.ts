import t from 'tap'
import { engineSuite, segmentSuite } from './engine-suite.ts'
import { onFaultyDisk, tinySettings } from './store-under-test.ts'

// Much to do, on a machine that may be busy.
t.setTimeout(300_000)

t.test('the store on a disk that loses what was not synced, in tiny segments', async (t) => {
  const open = onFaultyDisk({ flushMode: 'sync', settings: tinySettings })
  engineSuite(t, open)
  segmentSuite(t, open)
})
