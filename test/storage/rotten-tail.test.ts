// A rotten record before a torn end: every open must come to the same view of it.
import t from 'tap'
import { openStore } from '../../storage/open-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf } from './engine/world.ts'
import { noLog, tinySettings } from './store-under-test.ts'

t.test(
  'a rotten record that was durable keeps its offset, though the group behind it is torn',
  async (t) => {
    const random = seededRandom(t)
    let disk = new FaultyDisk({ random })
    disk.addFolder('/data')
    const index = new IndexCopies()
    const open = async () => {
      await index.lay('lost')
      return await openStore({
        folder: '/data',
        fileSystem: disk,
        clock: new FakeClock(),
        random: random.fork(),
        log: noLog,
        openIndex: () => index.database,
        bootId: 'one',
        settings: { ...tinySettings, checkpointBytes: 1024 * 1024 }
      })
    }
    const store = await open()
    const topic = { id: 'ab'.repeat(16), names: { kafka: 't', rocketmq: 't' }, queueCount: 1 }
    const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
    const queue = topics[0]?.queues[0] ?? -1
    for (const value of ['rotten', 'torn'])
      await store.commit({ appends: [appendOf(queue, batchOf([value]))] })
    disk = disk.processKill()
    const path = `/data/log/${disk.namesAt('/data/log')[0]}`
    disk.rot(path, disk.peek(path).indexOf('rotten'), 1)
    const file = await disk.open(path, 'write')
    await file.truncate(disk.peek(path).indexOf('torn'))
    await file.close()

    for (const [life, next] of [1, 2].entries()) {
      const again = await open()
      const queues = [{ queue, offset: 0, maxBytes: 1 }]
      const [data] = await again.read({ queues, maxBytes: 1, isolation: 'uncommitted' })
      t.match(data, { code: 'corrupt' }, 'its readers are told')
      const { appends } = await again.commit({ appends: [appendOf(queue, batchOf(['more']))] })
      t.equal(appends[0]?.baseOffset, next, `offsets go on behind it, in life ${life + 1}`)
      disk = disk.processKill()
    }
  }
)
