// What a scan finds behind a bad group.
import t from 'tap'
import { segmentHeaderBytes } from '../../../storage/layout/format.ts'
import { type ScannedGroup, scanSegment } from '../../../storage/layout/scan.ts'
import { makeRun, makeState, SegmentImage, storeId } from './log-image.ts'
import { MemoryFile } from './memory-file.ts'

const setting = makeState([
  { op: 'put', entry: { family: 'setting', row: { name: 'n', value: 'v' } } }
])
const runOf = (bytes: Buffer): Buffer =>
  makeRun(1, [{ baseOffset: 0, recordCount: 3, payload: bytes }])

function imageOf(count: number): SegmentImage {
  const image = new SegmentImage()
  for (let index = 0; index < count; index++) image.group([runOf(Buffer.alloc(20, 5))])
  return image
}

async function scan(source: MemoryFile | Buffer) {
  const file = Buffer.isBuffer(source) ? new MemoryFile(source) : source
  const sequences: number[] = []
  const options = { storeId, segmentId: 1, position: segmentHeaderBytes, expectedSequence: 1 }
  const sink = { group: ({ header }: ScannedGroup) => void sequences.push(header.sequence) }
  const end = await scanSegment(file, options, sink)
  return { end, sequences }
}

t.test(
  'a group left over from before a cut is not where a scan goes on after damage',
  async (t) => {
    const image = imageOf(3)
    image.group([setting], { sequence: 2 })
    image.group([setting], { sequence: 4, durableThrough: 3 })
    const bytes = image.bytes()
    const [, , third, , fourth] = image.groups
    bytes[third!.position]! ^= 1
    const { end, sequences } = await scan(bytes)
    t.same(sequences, [1, 2, 4])
    t.match(end.damages, [{ fromPosition: third!.position, toPosition: fourth!.position }])
  }
)

t.test('a footer behind bytes that are no group keeps the segment sealed', async (t) => {
  const image = imageOf(2)
  const fromPosition = image.length
  image.raw(Buffer.alloc(50, 3))
  const toPosition = image.length
  image.footer()
  const { end } = await scan(image.bytes())
  t.match(end, { nextSequence: 3, footer: { lastSequence: 2 }, position: toPosition })
  t.match(end.damages, [{ fromPosition, toPosition, sequences: { first: 3, last: 2 } }])
  t.notOk(end.torn)
})

t.test('a header is found wherever it stands in what a search reads', async (t) => {
  const searched = 1024 * 1024
  for (const before of [-1, 0, 1, 40, 75, 76, 77]) {
    const image = new SegmentImage()
    const overhead = imageOf(1).length - segmentHeaderBytes - 20
    image.group([runOf(Buffer.alloc(searched - before - overhead, 9))])
    t.equal(image.length, segmentHeaderBytes + searched - before)
    image.group([setting])
    const bytes = image.bytes()
    bytes[segmentHeaderBytes]! ^= 1
    t.same((await scan(bytes)).sequences, [2], `${before} bytes before the end of a read`)
  }
})

t.test('many small groups are read in large pieces', async (t) => {
  const image = new SegmentImage()
  for (let index = 0; index < 2000; index++) image.group([runOf(Buffer.alloc(3000, 1))])
  const file = new MemoryFile(image.bytes())
  t.equal((await scan(file)).sequences.length, 2000)
  t.ok(file.reads < 30, `${file.reads} reads`)
})

t.test(
  'a file that ends within the block of its header holds no group, and is not torn',
  async (t) => {
    const bytes = imageOf(0).bytes()
    for (const length of [0, 64, 100, segmentHeaderBytes - 1, segmentHeaderBytes]) {
      const { end, sequences } = await scan(bytes.subarray(0, length))
      t.same(sequences, [])
      t.match(end, { position: segmentHeaderBytes, nextSequence: 1, damages: { length: 0 } })
      t.notOk(end.torn)
    }
  }
)
