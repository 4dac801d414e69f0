import t from 'tap'
import { engineSuite } from './engine-suite.ts'
import { onFaultyDisk, tinySettings } from './store-under-test.ts'

t.test('the store on a disk that loses what was not synced, in tiny segments', async (t) => {
  engineSuite(t, onFaultyDisk({ flushMode: 'sync', settings: tinySettings }))
})
