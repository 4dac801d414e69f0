import t from 'tap'
import { engineSuite, segmentSuite } from './engine-suite.ts'
import { onRealDisk, tinySettings } from './store-under-test.ts'

// Every flush is a real one, on a disk that other tests use too.
t.setTimeout(300_000)

t.test('the store on a real disk, sync', async (t) => {
  engineSuite(t, onRealDisk({ flushMode: 'sync', settings: { reserveBytes: 0 } }))
})

t.test('its segments on a real disk, sync, in tiny segments', async (t) => {
  segmentSuite(t, onRealDisk({ flushMode: 'sync', settings: tinySettings }))
})
