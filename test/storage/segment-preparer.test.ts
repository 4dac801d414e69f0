import t, { type Test } from 'tap'
import { segmentFileName } from '../../storage/layout/segment.ts'
import {
  preparedFileName,
  removePrepared,
  SegmentPreparer
} from '../../storage/segment-preparer.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { seededRandom } from '../support/seeded-random.ts'

const segmentBytes = 1 << 20

function preparerOn(t: Test, hasRoom = true) {
  const disk = new FaultyDisk({ random: seededRandom(t) })
  disk.addFolder('/log')
  const preparer = new SegmentPreparer({
    fileSystem: disk,
    folder: '/log',
    segmentBytes,
    logSink: () => {},
    hasRoom: () => hasRoom
  })
  return { disk, preparer }
}

/** Tells the preparer of the log's advance to `position`, a step of 4 KiB at a time. */
async function advanceTo(preparer: SegmentPreparer, position: number): Promise<void> {
  for (let at = 0; at <= position; at += 4096) {
    preparer.advance(at)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function sizeOf(disk: FaultyDisk, name: string): Promise<number> {
  const file = await disk.open(`/log/${name}`, 'read')
  const size = await file.size()
  await file.close()
  return size
}

t.test('nothing is prepared before an eighth of the open segment is used', async (t) => {
  const { disk, preparer } = preparerOn(t)
  await advanceTo(preparer, segmentBytes / 8 - 4096)
  t.same(await disk.list('/log'), [])
  await preparer.close()
})

t.test('a file is filled as the log advances and ready before the segment ends', async (t) => {
  const { disk, preparer } = preparerOn(t)
  await advanceTo(preparer, segmentBytes / 2)
  const half = await sizeOf(disk, preparedFileName)
  t.ok(half > segmentBytes / 2 && half < segmentBytes, `${half} bytes at half the way`)
  t.equal(await preparer.take(7), undefined, 'half a file is not given away')
  await advanceTo(preparer, segmentBytes * 0.9)
  const file = await preparer.take(7)
  t.equal(await file?.size(), segmentBytes)
  t.same(await disk.list('/log'), [segmentFileName(7)])
  await file?.close()
  await preparer.close()
  t.same(await disk.list('/log'), [segmentFileName(7)], 'what was taken stays')
})

t.test('what was not used is removed, at close and after a crash', async (t) => {
  const { disk, preparer } = preparerOn(t)
  await advanceTo(preparer, segmentBytes / 2)
  await preparer.close()
  t.same(await disk.list('/log'), [])
  const file = await disk.open(`/log/${preparedFileName}`, 'create')
  await file.close()
  t.equal(await removePrepared(disk, '/log'), true)
  t.equal(await removePrepared(disk, '/log'), false)
})

t.test('a disk without room, or one that fails, is left alone', async (t) => {
  const without = preparerOn(t, false)
  await advanceTo(without.preparer, segmentBytes * 0.9)
  t.same(await without.disk.list('/log'), [])

  const failing = preparerOn(t)
  failing.disk.failNext('writev', 'ENOSPC', /prepared/)
  await advanceTo(failing.preparer, segmentBytes * 0.9)
  t.equal(await failing.preparer.take(2), undefined)
  t.same(await failing.disk.list('/log'), [])
  await advanceTo(failing.preparer, segmentBytes * 0.9)
  const file = await failing.preparer.take(3)
  t.ok(file, 'with the next segment it is tried again')
  await file?.close()
})
