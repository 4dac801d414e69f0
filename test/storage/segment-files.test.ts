import t from 'tap'
import { segmentFileName } from '../../storage/layout/segment.ts'
import type { File } from '../../storage/ports.ts'
import { SegmentFiles } from '../../storage/segment-files.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('a read that fails beside another leaves the file readable', async (t) => {
  const disk = new FaultyDisk({ random: seededRandom(t) })
  disk.addFolder('/log')
  const made = await disk.open(`/log/${segmentFileName(1)}`, 'create')
  await made.writev([Buffer.from('bytes')], 0)
  await made.close()
  const files = new SegmentFiles(disk, '/log', 2)
  const read = (file: File) => file.read(Buffer.alloc(5), 0, 5, 0)
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const slow = files.use(1, async (file) => {
    await finished
    return await read(file)
  })
  await t.rejects(files.use(1, () => Promise.reject(new Error('EIO'))))
  finish()
  t.equal(await slow, 5, 'the other one reads on')
  t.equal(await files.use(1, read), 5, 'and so does whoever comes next')
  await files.close()
  t.equal(disk.openFiles.size, 0, 'every file is closed')
})
