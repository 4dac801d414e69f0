// One bit of a segment's footer: no group is in it, so that none may be lost for it.
import t, { type Test } from 'tap'
import { checkStore } from '../../storage/check.ts'
import { segmentFooterBytes } from '../../storage/layout/format.ts'
import { openStore } from '../../storage/open-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf } from './engine/world.ts'
import { noLog, tinySettings } from './store-under-test.ts'

const perSegment = 14
const recordBytes = 4000

t.test('a damaged footer loses no group, though the snapshot is newer than its segment', (t) =>
  damagedFooter(t, false)
)

t.test('... nor where no snapshot says that there is a segment behind it', (t) =>
  damagedFooter(t, true)
)

async function damagedFooter(t: Test, areSnapshotsLost: boolean): Promise<void> {
  const random = seededRandom(t)
  const disk = new FaultyDisk({ random })
  disk.addFolder('/data')
  const index = new IndexCopies()
  await index.lay('lost')
  const open = () =>
    openStore({
      folder: '/data',
      fileSystem: disk,
      clock: new FakeClock(),
      random: random.fork(),
      log: noLog,
      openIndex: () => index.database,
      bootId: 'one',
      settings: tinySettings
    })
  const store = await open()
  const topic = { id: 'ab'.repeat(16), names: { kafka: 't', rocketmq: 't' }, queueCount: 1 }
  const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
  const queue = topics[0]?.queues[0] ?? -1
  const count = 2 * perSegment + 3
  for (let i = 0; i < count; i++) {
    const value = `${i}:${'x'.repeat(recordBytes)}`
    await store.commit({ appends: [appendOf(queue, batchOf([value]))] })
  }
  await store.close()

  const [first = ''] = disk.namesAt('/data/log')
  const path = `/data/log/${first}`
  disk.rot(
    path,
    disk.peek(path).length - segmentFooterBytes + random.integer(segmentFooterBytes),
    3
  )
  const snapshots = disk.namesAt('/data/snapshots')
  t.ok(snapshots.length > 0)
  for (const name of areSnapshotsLost ? snapshots : []) disk.rot(`/data/snapshots/${name}`, 0, 1)
  await index.lay('lost')
  const again = await open()
  const { damages, epochsRaised } = again.recovery
  t.ok(damages.length > 0, 'it is reported')
  for (const { sequences } of damages)
    t.ok(sequences === undefined || sequences.last < sequences.first, 'as damage without groups')
  t.ok(epochsRaised)
  let read = 0
  for (let offset = 0; offset < count; offset++) {
    const queues = [{ queue, offset, maxBytes: 1 }]
    const [data] = await again.read({ queues, maxBytes: 1, isolation: 'uncommitted' })
    if (data !== undefined && 'buffers' in data && data.nextOffset === offset + 1)
      if (Buffer.concat(data.buffers).includes(`${offset}:x`)) read++
  }
  t.equal(read, count, 'every record is there')
  await again.close()
  const { problems } = await checkStore(disk, '/data')
  t.ok(
    problems.every(({ segment }) => segment === 1),
    'and nothing else is wrong'
  )
}
