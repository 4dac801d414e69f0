// The bytes below were put together field by field from docs/storage-format.md with another CRC-32C, not by this code.
import t from 'tap'
import { decodeDescription, encodeDescription } from '../../../storage/layout/description.ts'
import { readGroupHeader, writeGroupHeader } from '../../../storage/layout/group.ts'
import {
  checkRunCrc,
  readRunHeader,
  runHeaderBytes,
  writeRunHeader
} from '../../../storage/layout/run.ts'
import {
  decodeSegmentFooter,
  decodeSegmentHeader,
  encodeSegmentFooter,
  encodeSegmentHeader,
  parseSegmentFileName,
  segmentFileName,
  whyUnsupported
} from '../../../storage/layout/segment.ts'
import { decodeStateEntry, encodeStateEntry } from '../../../storage/layout/state-entry.ts'
import type { LoggedChange, RunHeader } from '../../../storage/layout/types.ts'

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex')
const storeId = bytesOf('00112233445566778899aabbccddeeff')

t.test('a segment header has these bytes, and a block of its own', async (t) => {
  const golden = bytesOf(`
    49535448 4d534547 00000001 00000000  00000000 00112233 44556677 8899aabb
    ccddeeff 00000000 00000007 0000018b  cfe5687b 00000000 00000000 4fdf8f97`)
  const header = {
    formatVersion: 1,
    compatible: 0,
    incompatible: 0,
    storeId,
    segmentId: 7,
    createdMs: 1700000000123
  }
  const encoded = encodeSegmentHeader(header)
  t.equal(encoded.length, 4096)
  t.equal(encoded.toString('hex', 0, 64), golden.toString('hex'))
  t.ok(encoded.subarray(64).equals(Buffer.alloc(4032)))
  t.same(decodeSegmentHeader(golden), header)
  t.equal(whyUnsupported(header), undefined)
})

t.test('a segment header that is damaged or of a newer version is told apart', async (t) => {
  const header = { storeId, segmentId: 7, createdMs: 1, compatible: 0 }
  const bytes = encodeSegmentHeader({ ...header, formatVersion: 1, incompatible: 0 })
  for (let bit = 0; bit < 64 * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    t.type(decodeSegmentHeader(flipped), 'string', `bit ${bit}`)
  }
  t.match(decodeSegmentHeader(bytes.subarray(0, 63)), /shorter/)
  t.match(decodeSegmentHeader(Buffer.alloc(64)), /not a segment/)
  const newer = encodeSegmentHeader({ ...header, formatVersion: 2, incompatible: 0x80000001 })
  t.match(decodeSegmentHeader(newer), { formatVersion: 2, incompatible: 0x80000001 })
  t.match(whyUnsupported({ formatVersion: 2, incompatible: 0 }), /format version 2/)
  t.match(whyUnsupported({ formatVersion: 1, incompatible: 0x80000000 }), /0x80000000/)
})

t.test('a segment footer has these bytes and holds at its own place only', async (t) => {
  const golden = bytesOf(`
    49534654 00000003 00112233 44556677  8899aabb ccddeeff 00000000 00000007
    00000000 00001388 00000000 00000029  00000000 00000008 00000000 239bf8cf`)
  const footer = { segmentId: 7, position: 5000, lastSequence: 41, groupCount: 3, nextSegmentId: 8 }
  t.equal(encodeSegmentFooter(footer, storeId).toString('hex'), golden.toString('hex'))
  const here = { storeId, segmentId: 7, position: 5000 }
  t.same(decodeSegmentFooter(golden, here), footer)
  t.equal(decodeSegmentFooter(golden, { ...here, position: 5001 }), undefined)
  t.equal(decodeSegmentFooter(golden, { ...here, segmentId: 8 }), undefined)
  t.equal(decodeSegmentFooter(golden, { ...here, storeId: Buffer.alloc(16) }), undefined)
  t.equal(decodeSegmentFooter(golden.subarray(0, 63), here), undefined)
  everyFlippedBit(golden, (bytes) => t.equal(decodeSegmentFooter(bytes, here), undefined))
})

t.test('segment files are named by id', async (t) => {
  t.equal(segmentFileName(7), '0000000000000007.segment')
  t.equal(parseSegmentFileName('0000000000000007.segment'), 7)
  t.equal(parseSegmentFileName(segmentFileName(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
  for (const name of [
    '7.segment',
    '0000000000000007.segment.tmp',
    '9999999999999999.segment',
    ''
  ]) {
    t.equal(parseSegmentFileName(name), undefined, name)
  }
})

t.test('a group header has these bytes and holds at its own place only', async (t) => {
  const golden = bytesOf(`
    49534752 0000012c 00000000 0000002a  00112233 44556677 8899aabb ccddeeff
    00000000 00000007 00000000 00001000  0000018b cfe569c8 00000000 00000029
    00000002 00000000 7114dc64`)
  const header = {
    sequence: 42,
    segmentId: 7,
    position: 4096,
    bytes: 300,
    entryCount: 2,
    appendTimeMs: 1700000000456,
    durableThrough: 41
  }
  const target = Buffer.alloc(100, 0xaa)
  writeGroupHeader(target, 10, header, storeId)
  t.equal(target.toString('hex', 10, 86), golden.toString('hex'))
  t.ok(target.subarray(0, 10).equals(Buffer.alloc(10, 0xaa)))
  t.ok(target.subarray(86).equals(Buffer.alloc(14, 0xaa)))
  const here = { storeId, segmentId: 7, position: 4096 }
  t.same(readGroupHeader(target, 10, here), header)
  t.equal(readGroupHeader(golden, 0, { ...here, position: 4097 }), undefined)
  t.equal(readGroupHeader(golden, 0, { ...here, segmentId: 6 }), undefined)
  t.equal(readGroupHeader(golden, 0, { ...here, storeId: Buffer.alloc(16) }), undefined)
  t.equal(readGroupHeader(golden.subarray(0, 75), 0, here), undefined)
  everyFlippedBit(golden, (bytes) => t.equal(readGroupHeader(bytes, 0, here), undefined))
})

const goldenRun = bytesOf(`
  01 00 0003 000000cf 00000055 953a6c9b
  00000009 00000000000003e8 00000003 00000002 0000007a
  0000018bcfe569c8 ffffffffffffffff 00000001 00000001
  00000011 0000010000000005
  0001 00000003 616263`)
const firstBatch = Buffer.concat([
  bytesOf('00000000000003e8 00000031 00000003 02 deadbeef'),
  Buffer.alloc(40)
])
const secondBatch = Buffer.concat([
  bytesOf('00000000000003ea 00000031 00000003 02 cafebabe'),
  Buffer.alloc(40)
])
const run: RunHeader = {
  flags: 3,
  queue: 9,
  baseOffset: 1000,
  recordCount: 3,
  batchCount: 2,
  batchBytes: 122,
  appendTimeMs: 1700000000456,
  maxTimestamp: -1,
  resolves: [{ queue: 17, offset: 2 ** 40 + 5 }],
  extensions: [{ tag: 1, bytes: Buffer.from('abc') }]
}

t.test('a run header has these bytes', async (t) => {
  const target = Buffer.alloc(120, 0xaa)
  t.equal(runHeaderBytes(run), 85)
  t.equal(writeRunHeader(target, 5, run, [firstBatch, secondBatch]), 85)
  t.equal(target.toString('hex', 5, 90), goldenRun.toString('hex'))
  t.ok(target.subarray(90).equals(Buffer.alloc(30, 0xaa)))
  t.same(readRunHeader(target, 5), { ...run, headerBytes: 85, crc: 0x953a6c9b })
})

t.test('the run CRC covers the header and the first 21 bytes of each batch', async (t) => {
  t.ok(checkRunCrc(goldenRun, [firstBatch, secondBatch]))
  t.ok(checkRunCrc(goldenRun, [firstBatch.subarray(0, 21), secondBatch.subarray(0, 21)]))
  t.notOk(checkRunCrc(goldenRun, [secondBatch, firstBatch]))
  t.notOk(checkRunCrc(goldenRun, [firstBatch]))
  t.notOk(checkRunCrc(goldenRun, [firstBatch, secondBatch.subarray(0, 20)]))
  everyFlippedBit(goldenRun, (bytes) => {
    const found = readRunHeader(bytes, 0)
    if (found === undefined) return
    const header = bytes.subarray(0, found.headerBytes)
    t.notOk(checkRunCrc(header, [firstBatch, secondBatch]))
  })
  everyFlippedBit(secondBatch.subarray(0, 21), (head) => {
    t.notOk(checkRunCrc(goldenRun, [firstBatch, head]))
  })
})

t.test('a run header cut short anywhere is none', async (t) => {
  for (let end = 0; end < goldenRun.length; end++) {
    t.equal(readRunHeader(goldenRun.subarray(0, end), 0), undefined, `${end} bytes`)
  }
})

const topicId = '0f'.repeat(16)
const changes: LoggedChange[] = [
  {
    op: 'put',
    entry: {
      family: 'committed-offset',
      row: {
        group: 'grp',
        topicId,
        queue: 2,
        offset: 300,
        leaderEpoch: -1,
        metadata: '',
        commitTimeMs: 5
      }
    }
  },
  { op: 'delete', key: { family: 'setting', bucket: '', item: 'retention' } },
  { op: 'drop-topic', topicId }
]
const goldenState = bytesOf(`
  02 00 0000 0000005b 0000005b f75b03ef 00000003
  01 0000001c 01 01 03 677270 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f 02 ac04 40 00 05
  02 0000000c 05 0001 726574656e74696f6e
  03 00000010 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f`)

t.test('a state entry has these bytes', async (t) => {
  t.equal(encodeStateEntry(changes).toString('hex'), goldenState.toString('hex'))
  t.same(decodeStateEntry(goldenState), changes)
  t.same(decodeStateEntry(encodeStateEntry([])), [])
})

const description = { topicId, kafkaName: 'a.b', rocketmqName: 'a|2Eb!', queues: [4, 70000] }
const goldenDescription = bytesOf(`
  03 01 0000 00000039 00000039 239f90dc
  0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f 0003 612e62 0006 617c32456221
  00000002 00000004 00011170`)

t.test('a description has these bytes', async (t) => {
  t.equal(encodeDescription(description).toString('hex'), goldenDescription.toString('hex'))
  t.same(decodeDescription(goldenDescription), description)
})

t.test('state entries and descriptions refuse every truncation and flipped bit', async (t) => {
  const cases = [
    { golden: goldenState, decode: decodeStateEntry },
    { golden: goldenDescription, decode: decodeDescription }
  ]
  for (const { golden, decode } of cases) {
    const refused = { name: 'LayoutError' }
    for (let end = 0; end < golden.length; end++) {
      t.throws(() => decode(golden.subarray(0, end)), { ...refused, code: 'truncated' })
    }
    t.throws(() => decode(Buffer.concat([golden, Buffer.alloc(1)])), refused)
    everyFlippedBit(golden, (bytes) => t.throws(() => decode(bytes), refused))
  }
})

function everyFlippedBit(bytes: Buffer, check: (flipped: Buffer) => void): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    check(flipped)
  }
}
