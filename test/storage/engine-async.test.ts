import t from 'tap'
import { engineSuite } from './engine-suite.ts'
import { onFaultyDisk, onRealDisk, tinySettings } from './store-under-test.ts'

t.test('the store in the flush mode async, on a disk that loses what was not synced', async (t) => {
  engineSuite(t, onFaultyDisk({ flushMode: 'async', settings: tinySettings }))
})

t.test('the store in the flush mode async, on a real disk', async (t) => {
  engineSuite(t, onRealDisk({ flushMode: 'async', settings: tinySettings }))
})
