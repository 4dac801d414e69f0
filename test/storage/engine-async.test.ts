import t from 'tap'
import { engineSuite, segmentSuite } from './engine-suite.ts'
import { onFaultyDisk, onRealDisk, tinySettings } from './store-under-test.ts'

// Every flush is a real one, on a disk that other tests use too.
t.setTimeout(300_000)

t.test('the store in the flush mode async, on a disk that loses what was not synced', async (t) => {
  const open = onFaultyDisk({ flushMode: 'async', settings: tinySettings })
  engineSuite(t, open)
  segmentSuite(t, open)
})

t.test('the store in the flush mode async, on a real disk', async (t) => {
  const open = onRealDisk({ flushMode: 'async', settings: tinySettings })
  engineSuite(t, open)
  segmentSuite(t, open)
})
