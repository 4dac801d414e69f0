import t from 'tap'
import { engineSuite } from './engine-suite.ts'
import { onRealDisk } from './store-under-test.ts'

t.test('the store on a real disk, sync', async (t) => {
  engineSuite(t, onRealDisk({ flushMode: 'sync', settings: { reserveBytes: 0 } }))
})
