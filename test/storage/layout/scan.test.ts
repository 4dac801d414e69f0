import t from 'tap'
import { batchHeaderBytes, batchUncheckedBytes } from '../../../storage/batch/record-batch.ts'
import { segmentHeaderBytes } from '../../../storage/layout/format.ts'
import { type ScannedGroup, type ScanOptions, scanSegment } from '../../../storage/layout/scan.ts'
import {
  makeBatch,
  makeDescription,
  makeRun,
  makeState,
  makeUnknown,
  SegmentImage,
  storeId
} from './log-image.ts'
import { MemoryFile } from './memory-file.ts'

const payload = Buffer.from('some records')
const setting = makeState([
  { op: 'put', entry: { family: 'setting', row: { name: 'n', value: 'v' } } }
])

async function scan(source: MemoryFile | Buffer, options: Partial<ScanOptions> = {}) {
  const file = Buffer.isBuffer(source) ? new MemoryFile(source) : source
  const groups: ScannedGroup[] = []
  const sink = { group: (group: ScannedGroup) => void groups.push(group) }
  const defaults = { storeId, segmentId: 1, position: segmentHeaderBytes, expectedSequence: 1 }
  const end = await scanSegment(file, { ...defaults, ...options }, sink)
  return { end, groups, sequences: groups.map(({ header }) => header.sequence) }
}

const runOf = (queue: number, baseOffset: number, bytes: Buffer = payload): Buffer =>
  makeRun(queue, [{ baseOffset, recordCount: 3, payload: bytes }])

/** Groups 1 to `count`, one run each. */
function imageOf(count: number, durableThrough?: (sequence: number) => number): SegmentImage {
  const image = new SegmentImage()
  for (let sequence = 1; sequence <= count; sequence++) {
    const header = durableThrough ? { durableThrough: durableThrough(sequence) } : {}
    image.group([runOf(1, sequence * 3)], header)
  }
  return image
}

t.test('everything in a group reaches the sink, in order', async (t) => {
  const image = new SegmentImage()
  const description = {
    topicId: 'ab'.repeat(16),
    kafkaName: 'a',
    rocketmqName: 'b',
    queues: [1, 2]
  }
  const batches = [
    { baseOffset: 10, recordCount: 2, payload },
    { baseOffset: 12, recordCount: 1, payload: Buffer.alloc(0) }
  ]
  const extensions = [{ tag: 9, bytes: Buffer.from('x') }]
  image.group([
    makeDescription(description),
    makeRun(2, batches, { extensions, flags: 1 }),
    setting
  ])
  const { end, groups } = await scan(image.bytes())
  t.same(
    groups.map(({ header }) => header),
    image.groups
  )
  const [first, second, third] = groups[0]!.entries
  t.match(first, { kind: 'description', description })
  t.match(third, {
    kind: 'state',
    changes: [{ op: 'put', entry: { family: 'setting', row: { name: 'n', value: 'v' } } }]
  })
  if (second?.kind !== 'run') return t.fail('no run')
  t.match(second.run, { queue: 2, baseOffset: 10, recordCount: 3, batchCount: 2, flags: 1 })
  t.same(second.run.extensions, extensions)
  t.equal(second.dataPosition, second.address.position + second.headerBytes)
  t.match(second.batches, [
    { position: second.dataPosition, bytes: 61 + payload.length, baseOffset: 10 },
    { position: second.dataPosition + 61 + payload.length, bytes: 61, lastOffsetDelta: 0 }
  ])
  t.match(second.batches[1], { producerId: -1, producerEpoch: -1, baseSequence: -1, magic: 2 })
  t.match(second.batches[1], { baseTimestamp: 1_700_000_000_000, maxTimestamp: 1_700_000_000_001 })
  t.match(end, { position: image.length, nextSequence: 2, damages: { length: 0 }, groupCount: 1 })
  t.notOk('torn' in end)
})

t.test(
  'a durable batch whose header contradicts its run is damage, its records unread',
  async (t) => {
    const { groups } = await scan(imageOf(3).bytes())
    const [run] = groups[0]?.entries ?? []
    if (run?.kind !== 'run') return t.fail('no run')
    // Last offset delta, producer id, epoch, sequence, record count: none is in the run's checksum.
    for (const at of [23, 26, 43, 51, 53, 57, 60]) {
      const bytes = imageOf(3).bytes()
      bytes[run.dataPosition + at]! ^= 0x40
      const { end, sequences } = await scan(bytes)
      t.same(sequences, [2, 3], `byte ${at}`)
      t.match(end.damages, [{ what: /does not match its checksum/ }])
    }
  }
)

t.test('the log ends at zeros, and at the end of the file', async (t) => {
  const image = imageOf(3)
  const length = image.length
  t.match((await scan(image.bytes())).end, { position: length, nextSequence: 4 })
  image.raw(Buffer.alloc(5000))
  const { end, sequences } = await scan(image.bytes())
  t.same(sequences, [1, 2, 3])
  t.match(end, { position: length, nextSequence: 4, lastDurableThrough: 2, damages: { length: 0 } })
  t.notOk('torn' in end)
})

t.test('a footer ends a segment and says where the log goes on', async (t) => {
  const image = imageOf(2)
  const position = image.length
  image.footer()
  image.raw(Buffer.alloc(100))
  const { end, sequences } = await scan(image.bytes())
  t.same(sequences, [1, 2])
  const footer = { segmentId: 1, position, lastSequence: 2, groupCount: 2, nextSegmentId: 2 }
  t.same(end.footer, footer)
  t.match(end, { position, nextSequence: 3, lastDurableThrough: 2 })
  const empty = new SegmentImage(1, 8)
  empty.footer()
  t.match((await scan(empty.bytes(), { expectedSequence: 8 })).end, { nextSequence: 8 })
})

t.test('a scan starts in the middle, and without knowing the sequence', async (t) => {
  const image = imageOf(4)
  const third = image.groups[2]!
  const from = { position: third.position, expectedSequence: 3 }
  t.same((await scan(image.bytes(), from)).sequences, [3, 4])
  const file = new MemoryFile(image.bytes())
  const sequences: number[] = []
  const sink = { group: ({ header }: ScannedGroup) => void sequences.push(header.sequence) }
  const place = { storeId, segmentId: 1, position: third.position }
  t.match(await scanSegment(file, place, sink), { nextSequence: 5 })
  t.same(sequences, [3, 4])
})

t.test('a tail torn at any byte gives the groups before it, and nothing of it', async (t) => {
  const image = imageOf(2)
  const whole = image.bytes()
  const { position } = image.groups[1]!
  for (let end = position; end < whole.length; end++) {
    for (const zeroFilled of [false, true]) {
      const bytes = Buffer.alloc(zeroFilled ? whole.length + 200 : end)
      whole.copy(bytes, 0, 0, end)
      const { end: found, sequences } = await scan(bytes)
      t.same(sequences, [1])
      t.match(found, { position, nextSequence: 2, damages: { length: 0 } })
      if (end > position) t.match(found.torn, { position }, `torn at ${end}`)
      else t.notOk(found.torn)
    }
  }
})

t.test('a tail of whole pages that were not written is torn', async (t) => {
  const image = imageOf(1)
  image.group([runOf(1, 6, Buffer.alloc(9000, 7)), setting])
  const whole = image.bytes()
  const { position } = image.groups[1]!
  for (let page = Math.floor(position / 512); page * 512 < whole.length; page++) {
    const bytes = Buffer.from(whole)
    bytes.fill(0, Math.max(page * 512, position), Math.min((page + 1) * 512, whole.length))
    const { end, sequences } = await scan(bytes)
    t.same(sequences, [1], `without page ${page}`)
    t.match(end, { position, torn: { position } })
  }
})

t.test('a bad group is damage if a later header says it was durable', async (t) => {
  const image = imageOf(4)
  const [, second, third] = image.groups
  // The rest of the batch is under its own CRC, which only readers check once a group is durable.
  const unchecked = payload.length + batchHeaderBytes - batchUncheckedBytes
  for (let at = second!.position; at < third!.position - unchecked; at++) {
    const bytes = image.bytes()
    bytes[at]! ^= 0x10
    const { end, sequences } = await scan(bytes)
    t.same(sequences, [1, 3, 4], `byte ${at}`)
    t.match(end.damages, [
      {
        segment: 1,
        fromPosition: second!.position,
        toPosition: third!.position,
        sequences: { first: 2, last: 2 }
      }
    ])
    t.match(end, { position: image.length, nextSequence: 5 })
    t.notOk(end.torn)
  }
})

t.test('damage over several groups, and in two places, is reported as what it is', async (t) => {
  const image = imageOf(7)
  const at = (sequence: number): number => image.groups[sequence - 1]!.position
  const bytes = image.bytes()
  bytes.fill(0, at(2), at(4) + 10)
  bytes.fill(0xff, at(6), at(6) + 4)
  const { end, sequences } = await scan(bytes)
  t.same(sequences, [1, 5, 7])
  t.match(end.damages, [
    { fromPosition: at(2), toPosition: at(5), sequences: { first: 2, last: 4 } },
    { fromPosition: at(6), toPosition: at(7), sequences: { first: 6, last: 6 } }
  ])
})

t.test('damage before a footer is damage, whatever the headers say', async (t) => {
  const image = imageOf(3, () => 0)
  const position = image.length
  image.footer()
  const bytes = image.bytes()
  bytes[image.groups[2]!.position + 80]! ^= 1
  const { end, sequences } = await scan(bytes)
  t.same(sequences, [1, 2])
  t.match(end.damages, [{ toPosition: position, sequences: { first: 3, last: 3 } }])
  t.match(end, { position, nextSequence: 4, footer: { lastSequence: 3 } })
})

t.test('groups behind a bad one are cut with it unless one says it was durable', async (t) => {
  const bad = (image: SegmentImage): Buffer => {
    const bytes = image.bytes()
    bytes[image.groups[1]!.position + 3]! ^= 1
    return bytes
  }
  const image = imageOf(4, () => 1)
  const { end, sequences } = await scan(bad(image))
  t.same(sequences, [1])
  const { position } = image.groups[1]!
  t.match(end, { position, nextSequence: 2, torn: { position, bytes: image.length - position } })
  t.same(end.damages, [])
  const proven = imageOf(4, (sequence) => (sequence === 4 ? 2 : 1))
  t.same((await scan(bad(proven))).sequences, [1, 3, 4])
})

t.test('what the caller knows to be durable is never cut', async (t) => {
  const image = imageOf(3)
  const bytes = image.bytes()
  bytes[image.groups[2]!.position]! ^= 1
  t.match((await scan(bytes)).end, { nextSequence: 3, damages: { length: 0 }, torn: {} })
  const { end } = await scan(bytes, { durableThrough: 3 })
  t.match(end.damages, [{ sequences: { first: 3, last: 3 }, toPosition: image.length }])
  t.match(end, { position: image.length, nextSequence: 4 })
  t.notOk(end.torn)
})

t.test('records are checked only where nothing proves that the group was durable', async (t) => {
  const last = (bytes: Buffer, image: SegmentImage, sequence: number): Buffer => {
    const { position, bytes: length } = image.groups[sequence - 1]!
    bytes[position + length - 1]! ^= 1
    return bytes
  }
  const image = imageOf(4)
  t.same((await scan(last(image.bytes(), image, 3))).sequences, [1, 2, 3, 4])
  const torn = await scan(last(image.bytes(), image, 4))
  t.same(torn.sequences, [1, 2, 3])
  t.match(torn.end.torn, { position: image.groups[3]!.position, why: /checksum/ })
  const lazy = imageOf(4, () => 0)
  const early = await scan(last(lazy.bytes(), lazy, 2))
  t.same(early.sequences, [1])
  t.match(early.end, { nextSequence: 2, torn: { position: lazy.groups[1]!.position } })
  t.same((await scan(last(lazy.bytes(), lazy, 2), { durableThrough: 2 })).sequences, [1, 2, 3, 4])
})

t.test('more groups than may wait undecided are checked on the way', async (t) => {
  const image = new SegmentImage()
  const header = { durableThrough: 0 }
  for (let index = 0; index < 5000; index++) image.group([runOf(1, 0, Buffer.alloc(1000))], header)
  const file = new MemoryFile(image.bytes())
  const read: number[] = []
  const options = { storeId, segmentId: 1, position: segmentHeaderBytes, expectedSequence: 1 }
  const sink = { group: () => void read.push(file.readBytes) }
  t.match(await scanSegment(file, options, sink), { groupCount: 5000, nextSequence: 5001 })
  t.ok(read[0]! < image.length, 'the first is given before the last is read')
  const bytes = image.bytes()
  const { position, bytes: length } = image.groups[99]!
  bytes[position + length - 1]! ^= 1
  const cut = await scan(bytes)
  t.equal(cut.sequences.length, 99)
  t.match(cut.end, { position, nextSequence: 100, torn: { position } })
})

t.test('large payloads that need no check are not read', async (t) => {
  const image = new SegmentImage()
  const large = Buffer.alloc(300_000, 1)
  for (let sequence = 1; sequence <= 20; sequence++) image.group([runOf(1, 0, large)])
  image.group([setting])
  const file = new MemoryFile(image.bytes())
  const { sequences } = await scan(file)
  t.equal(sequences.length, 21)
  t.ok(file.readBytes < image.length / 5, `${file.readBytes} of ${image.length} bytes read`)
})

t.test('the size of reads changes nothing', async (t) => {
  const image = imageOf(3)
  image.group([runOf(2, 0, Buffer.alloc(1000, 3)), setting, runOf(3, 0)])
  image.group([setting])
  const expected = await scan(image.bytes())
  for (const chunkBytes of [1, 64, 77, 200, 5000]) {
    t.same(await scan(image.bytes(), { chunkBytes }), expected, `${chunkBytes}`)
  }
})

t.test('an unknown entry is skipped if it may be, and else refused, never cut', async (t) => {
  const image = new SegmentImage()
  image.group([makeUnknown(77, 1, Buffer.from('from the future')), setting])
  image.group([setting])
  const { groups } = await scan(image.bytes())
  t.match(groups[0]!.entries, [{ kind: 'unknown', code: 77 }, { kind: 'state' }])
  const refused = new SegmentImage()
  refused.group([makeUnknown(77, 0, Buffer.from('from the future'))])
  await t.rejects(scan(refused.bytes()), { name: 'LayoutError', code: 'unsupported' })
  const damaged = refused.bytes()
  damaged[damaged.length - 1]! ^= 1
  t.match((await scan(damaged)).end, { nextSequence: 1, torn: {} })
})

t.test('headers of another store, segment or place are none of this log', async (t) => {
  const image = imageOf(2)
  const other = imageOf(4)
  const { position, bytes: length } = other.groups[2]!
  const elsewhere = other.bytes().subarray(position, position + length)
  image.raw(Buffer.alloc(7, 1))
  image.raw(elsewhere)
  const { end, sequences } = await scan(image.bytes())
  t.same(sequences, [1, 2])
  t.match(end, { damages: { length: 0 }, torn: {} })
  t.match((await scan(imageOf(2).bytes(), { segmentId: 2 })).end, { groupCount: 0, torn: {} })
  const foreign = { storeId: Buffer.alloc(16, 9) }
  t.match((await scan(imageOf(2).bytes(), foreign)).end, { groupCount: 0, damages: { length: 0 } })
})

t.test('a record that holds a log is not taken for one', async (t) => {
  const inner = imageOf(3).bytes()
  const image = new SegmentImage()
  image.group([runOf(1, 0, inner)])
  image.group([runOf(1, 3)])
  const bytes = image.bytes()
  bytes[image.groups[0]!.position]! ^= 1
  const { end, sequences } = await scan(bytes)
  t.same(sequences, [2])
  t.match(end.damages, [{ toPosition: image.groups[1]!.position }])
})

t.test('a group left over from before a cut is no group', async (t) => {
  const image = imageOf(2)
  const stale = new SegmentImage()
  stale.raw(image.bytes().subarray(segmentHeaderBytes))
  stale.group([setting], { sequence: 2 })
  const { end, sequences } = await scan(stale.bytes())
  t.same(sequences, [1, 2])
  t.match(end, {
    nextSequence: 3,
    damages: { length: 0 },
    torn: { why: /group 2 stands where 3 was due/ }
  })
})

t.test('a gap in the sequence is damage if the missing groups were durable', async (t) => {
  const image = imageOf(1)
  image.group([setting], { sequence: 4, durableThrough: 3 })
  const { end, sequences } = await scan(image.bytes())
  t.same(sequences, [1, 4])
  t.match(end.damages, [{ sequences: { first: 2, last: 3 } }])
  const cut = imageOf(1)
  cut.group([setting], { sequence: 4, durableThrough: 1 })
  t.match(await scan(cut.bytes()), { sequences: [1], end: { nextSequence: 2, torn: {} } })
})

t.test('counts and lengths that contradict each other under a right CRC are refused', async (t) => {
  const batch = [{ baseOffset: 0, recordCount: 1, payload }]
  const bad: [string, Buffer, object][] = [
    ['too few entries', setting, { entryCount: 0 }],
    ['too many entries', setting, { entryCount: 2 }],
    ['too many batches', makeRun(1, batch, { batchCount: 2 }), {}],
    ['batch bytes', makeRun(1, batch, { batchBytes: makeBatch(batch[0]!).length - 1 }), {}]
  ]
  for (const [what, entry, header] of bad) {
    const image = imageOf(1)
    image.group([entry], header)
    const { end, sequences } = await scan(image.bytes())
    t.same(sequences, [1], what)
    t.match(end.torn, { position: image.groups[1]!.position }, what)
  }
})
