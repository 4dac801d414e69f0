import t from 'tap'
import { ByteReader } from '../../../storage/layout/byte-reader.ts'
import { ByteWriter } from '../../../storage/layout/byte-writer.ts'
import { readGroupHeader, writeGroupHeader } from '../../../storage/layout/group.ts'
import { LayoutError } from '../../../storage/layout/layout-error.ts'
import { storeId } from './log-image.ts'

t.test(
  'a signed number is read up to the ends of what can be written, and no further',
  async (t) => {
    const ends = [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0, -1, 63, 64, -64, -65]
    for (const value of ends) {
      const writer = new ByteWriter()
      writer.signed(value)
      t.equal(new ByteReader(writer.take()).signed(), value)
    }
    const writer = new ByteWriter()
    writer.signed(-Number.MAX_SAFE_INTEGER)
    const beyond = writer.take()
    // Its lowest bits say one more.
    beyond[0]! |= 1
    t.throws(() => new ByteReader(beyond).signed(), LayoutError)
  }
)

t.test('a group header with a sequence that no group has is none', async (t) => {
  const place = { segmentId: 1, position: 4096 }
  const header = { ...place, bytes: 100, entryCount: 1, appendTimeMs: 5, durableThrough: 0 }
  const read = (change: object) => {
    const bytes = Buffer.alloc(76)
    writeGroupHeader(bytes, 0, { ...header, sequence: 1, ...change }, storeId)
    return readGroupHeader(bytes, 0, { storeId, ...place })
  }
  t.ok(read({}))
  t.equal(read({ sequence: 0 }), undefined)
  t.equal(read({ sequence: -5 }), undefined)
  t.equal(read({ durableThrough: -1 }), undefined)
})
