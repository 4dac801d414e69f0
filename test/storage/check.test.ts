import t from 'tap'
import { type CheckOptions, checkStore } from '../../storage/check.ts'
import { incompatibleFeatures } from '../../storage/layout/format.ts'
import { segmentFileName } from '../../storage/layout/segment.ts'
import { snapshotFileName, writeSnapshot } from '../../storage/layout/snapshot.ts'
import type { LoggedChange, RunHeader } from '../../storage/layout/types.ts'
import { engineKeys, type StoredRow } from '../../storage/state/stored-rows.ts'
import {
  type BatchSpec,
  makeDescription,
  makeRun,
  makeState,
  makeUnknown,
  SegmentImage,
  storeId
} from './layout/log-image.ts'
import { MemoryFile } from './layout/memory-file.ts'
import { MemoryFileSystem } from './layout/memory-file-system.ts'

const topicId = 'ab'.repeat(16)
const orders = makeDescription({ topicId, kafkaName: 'orders', rocketmqName: 'o', queues: [7, 8] })
const setting = makeState([
  { op: 'put', entry: { family: 'setting', row: { name: 'n', value: 'v' } } }
])

const batchAt = (baseOffset: number, recordCount = 2): BatchSpec => {
  return { baseOffset, recordCount, payload: Buffer.from('records') }
}
const run = (uid: number, baseOffset: number, header: Partial<RunHeader> = {}): Buffer =>
  makeRun(uid, [batchAt(baseOffset), batchAt(baseOffset + 2, 1)], header)

function storeOf(...images: readonly SegmentImage[]): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  for (const image of images) put(fileSystem, image.segmentId, image.bytes())
  return fileSystem
}

function put(fileSystem: MemoryFileSystem, segment: number, bytes: Buffer): void {
  fileSystem.files.set(`data/log/${segmentFileName(segment)}`, new MemoryFile(bytes))
}

const check = (fileSystem: MemoryFileSystem, options?: CheckOptions) =>
  checkStore(fileSystem, 'data', options)

/** Two segments, five groups, two queues of one topic. */
function soundImages(): [SegmentImage, SegmentImage] {
  const first = new SegmentImage()
  first.group([setting, orders, run(7, 0)])
  first.group([run(7, 3), run(8, 0)])
  first.group([run(8, 3)])
  first.footer()
  const second = new SegmentImage(2, 4)
  second.group([orders, run(7, 6)])
  second.group([run(8, 6)])
  return [first, second]
}

async function addSnapshot(
  fileSystem: MemoryFileSystem,
  sequence: number,
  position: number,
  ends: readonly [number, number],
  { segment = 1, others = [] }: { segment?: number; others?: readonly StoredRow[] } = {}
): Promise<void> {
  const queue = (uid: number, nextOffset: number): StoredRow => {
    const row = { queue: uid, topicId, index: uid - 7, nextOffset, maxTimestamp: -1 }
    return { family: 'queue', row }
  }
  const counters = { nextQueueUid: 9, nextSegmentId: segment + 2, nextProducerId: 0 }
  const rows: StoredRow[] = [queue(7, ends[0]), queue(8, ends[1]), ...others]
  rows.push({ family: 'counters', row: counters })
  const address = { segment, position }
  const header = { storeId, clusterId: 'c', sequence, address, appendTimeMs: 0 }
  await writeSnapshot(fileSystem, 'data/snapshots', header, rows)
}

t.test('a sound store has no problems, and is counted', async (t) => {
  const [first, second] = soundImages()
  const fileSystem = storeOf(first, second)
  await addSnapshot(fileSystem, 2, first.groups[2]!.position, [6, 3])
  const report = await check(fileSystem)
  t.same(report, {
    storeId: storeId.toString('hex'),
    lastSequence: 5,
    totals: {
      segments: 2,
      groups: 5,
      runs: 6,
      batches: 12,
      records: 18,
      stateChanges: 1,
      bytes: first.length + second.length,
      snapshots: 1
    },
    problems: [],
    problemsLeftOut: 0,
    strays: []
  })
  t.equal(fileSystem.openFiles, 0)
})

t.test('a folder that is no store is refused; one without segments is a problem', async (t) => {
  const missing = new MemoryFileSystem()
  missing.list = async () => {
    throw Object.assign(new Error('none'), { code: 'ENOENT' })
  }
  await t.rejects(check(missing), { name: 'OpenError', code: 'not-a-store' })
  t.match(await check(new MemoryFileSystem()), { problems: [{ where: 'folder' }] })
  const newer = soundImages()[0].bytes()
  newer.writeUInt32BE(2, 8)
  const fileSystem = new MemoryFileSystem()
  put(fileSystem, 1, newer)
  t.match(await check(fileSystem), { problems: [{ where: 'folder' }] }, 'a header that is damaged')
})

t.test('damaged records are named by topic, queue, offsets and segment', async (t) => {
  const [first, second] = soundImages()
  const bytes = first.bytes()
  const { position, bytes: length } = first.groups[1]!
  bytes[position + length - 1]! ^= 1
  const fileSystem = storeOf(first, second)
  put(fileSystem, 1, bytes)
  const { problems } = await check(fileSystem)
  const what = 'its records do not match its checksum'
  const batch = { where: 'batch', topic: 'orders', queue: 1, uid: 8, segment: 1, what }
  t.match(problems, [{ ...batch, offsets: { first: 2, last: 2 } }])
  t.equal(problems.length, 1)
  t.same((await check(fileSystem, { payloads: false })).problems, [])
})

t.test('a damaged group is named, and the records that went with it', async (t) => {
  const [first, second] = soundImages()
  const bytes = first.bytes()
  bytes[first.groups[1]!.position + 90]! ^= 1
  const fileSystem = storeOf(first, second)
  put(fileSystem, 1, bytes)
  const { problems } = await check(fileSystem)
  t.match(problems, [
    { where: 'run', uid: 8, offsets: { first: 0, last: 2 }, what: /missing/ },
    { where: 'group', segment: 1, position: first.groups[1]!.position, what: /groups 2 to 2/ },
    { where: 'run', topic: 'orders', queue: 0, offsets: { first: 3, last: 5 }, segment: 2 }
  ])
  t.equal(problems.length, 3)
})

t.test('what groups say of time, durability and each other is checked', async (t) => {
  const cases: [RegExp, (image: SegmentImage) => void][] = [
    [/append time .* is before/, (image) => image.group([setting], { appendTimeMs: 5 })],
    [/says that 3 is durable/, (image) => image.group([setting], { durableThrough: 3 })],
    [/durable through 0, 1 was before/, (image) => image.group([setting], { durableThrough: 0 })]
  ]
  for (const [what, add] of cases) {
    const image = new SegmentImage()
    image.group([setting])
    image.group([setting])
    add(image)
    const { problems } = await check(storeOf(image))
    t.match(problems, [{ where: 'group', segment: 1, position: image.groups[2]!.position, what }])
    t.equal(problems.length, 1)
  }
})

t.test('what runs and batches say of offsets, counts and times is checked', async (t) => {
  const batches = (...specs: BatchSpec[]): Buffer => makeRun(7, specs)
  const cases: [string, RegExp, object, Buffer][] = [
    ['run', /missing/, { offsets: { first: 3, last: 4 } }, run(7, 5)],
    ['run', /given before/, { offsets: { first: 1, last: 2 } }, run(7, 1)],
    [
      'batch',
      /offset 5 was due/,
      { offsets: { first: 6, last: 6 } },
      batches(batchAt(3), batchAt(6, 1))
    ],
    ['run', /says 4 records, not 3/, {}, run(7, 3, { recordCount: 4 })],
    ['run', /max timestamp/, {}, run(7, 3, { maxTimestamp: 5 })],
    ['run', /append time/, {}, run(7, 3, { appendTimeMs: 5 })],
    ['batch', /offset delta is -1/, {}, batches(batchAt(3, 0))],
    ['batch', /no records/, {}, batches({ ...batchAt(3), payload: Buffer.alloc(0) })],
    ['run', /no description/, { uid: 9 }, run(9, 0)]
  ]
  for (const [where, what, more, bytes] of cases) {
    const image = new SegmentImage()
    image.group([orders, run(7, 0)])
    image.group([bytes])
    const { problems } = await check(storeOf(image))
    t.match(problems, [{ where, what, segment: 1, ...more }], `${what}`)
    t.equal(problems.length, 1, `${what}`)
  }
})

t.test('a description holds for its segment only', async (t) => {
  const [first] = soundImages()
  const second = new SegmentImage(2, 4)
  second.group([run(7, 6)])
  const { problems } = await check(storeOf(first, second))
  t.match(problems, [{ where: 'run', segment: 2, uid: 7, what: /no description/ }])
})

t.test('the chain of segments is followed by its footers', async (t) => {
  const [first, second] = soundImages()
  const gone = new MemoryFileSystem()
  put(gone, 1, first.bytes())
  t.match(await check(gone), { problems: [{ segment: 2, what: /not there/ }] })

  const skipped = new SegmentImage(3, 4)
  skipped.group([orders, run(7, 6)])
  t.match(await check(storeOf(first, skipped)), {
    problems: [{ segment: 3, what: /segment 2 before it is not there/ }]
  })

  const open = new SegmentImage()
  open.group([orders, run(7, 0)])
  const later = new SegmentImage(2, 2)
  later.group([orders, run(7, 3)])
  t.match(await check(storeOf(open, later)), { problems: [{ segment: 1, what: /no footer/ }] })

  const miscounted = new SegmentImage()
  miscounted.group([setting])
  miscounted.groups.push(miscounted.groups[0]!)
  miscounted.footer()
  t.match(await check(storeOf(miscounted, new SegmentImage(2, 2))), {
    problems: [{ segment: 1, what: /counts 2 groups, not 1/ }]
  })

  const foreign = second.bytes()
  const header = new SegmentImage(9).bytes()
  header.copy(foreign)
  const fileSystem = storeOf(first)
  put(fileSystem, 2, foreign)
  t.match(await check(fileSystem), { problems: [{ segment: 2, what: /says segment 9/ }] })
})

t.test('a torn tail and files of a roll that was cut off are told, and no problem', async (t) => {
  const [first, second] = soundImages()
  const fileSystem = storeOf(first, second)
  const { position } = second.groups[1]!
  put(fileSystem, 2, second.bytes().subarray(0, second.length - 1))
  put(fileSystem, 3, new SegmentImage(3).bytes())
  put(fileSystem, 4, Buffer.alloc(0))
  const report = await check(fileSystem)
  t.same(report.problems, [])
  t.match(report.torn, { segment: 2, position, bytes: second.length - 1 - position })
  t.same(report.strays, [segmentFileName(3), segmentFileName(4)])
  t.equal(report.lastSequence, 4)
})

t.test('snapshots are compared with the log', async (t) => {
  const cases: [RegExp | undefined, number, number, [number, number]][] = [
    [undefined, 2, 2, [6, 3]],
    [/queue 8 ends at 2, the log 3/, 2, 2, [6, 2]],
    [/the log ends with 5/, 6, 2, [9, 9]],
    [/replay would go on/, 2, 1, [6, 3]]
  ]
  for (const [what, sequence, group, ends] of cases) {
    const [first, second] = soundImages()
    const fileSystem = storeOf(first, second)
    await addSnapshot(fileSystem, sequence, first.groups[group]!.position, ends)
    const { problems } = await check(fileSystem)
    if (what === undefined) t.same(problems, [])
    else t.match(problems, [{ where: 'snapshot', file: snapshotFileName(sequence), what }])
  }
  const [first, second] = soundImages()
  const fileSystem = storeOf(first, second)
  await addSnapshot(fileSystem, 2, first.groups[2]!.position, [6, 3])
  fileSystem.files.get(`data/snapshots/${snapshotFileName(2)}`)!.bytes[100]! ^= 1
  t.match(await check(fileSystem), { problems: [{ where: 'snapshot', what: /cannot be read/ }] })
})

t.test('problems are listed up to a limit, and counted beyond it', async (t) => {
  const image = new SegmentImage()
  for (let index = 0; index < 6; index++) image.group([run(7, index * 3)])
  const report = await check(storeOf(image), { problemsMax: 4 })
  t.equal(report.problems.length, 4)
  t.equal(report.problemsLeftOut, 2)
})

t.test('an entry of a newer version is a problem, not an end', async (t) => {
  const image = new SegmentImage()
  image.group([makeUnknown(99, 0, Buffer.from('later'))])
  const report = await check(storeOf(image))
  t.match(report, { problems: [{ where: 'segment', segment: 1, what: /entry kind 99/ }] })
  t.notOk(report.torn)
})

t.test('deleted segments are explained by the log or a snapshot, others are missing', async (t) => {
  const first = new SegmentImage()
  first.group([orders, run(7, 0)])
  first.footer()
  const third = (changes: readonly LoggedChange[]) => {
    const image = new SegmentImage(3, 3)
    image.group([makeState(changes), orders, run(7, 6)])
    return image
  }
  const missing = { segment: 3, what: /segment 2 before it is not there/ }
  const lost = { where: 'run', uid: 7, offsets: { first: 3, last: 5 }, what: /missing/ }
  t.match(await check(storeOf(first, third([]))), { problems: [missing, lost] })
  const deletion: LoggedChange = { op: 'delete', key: engineKeys.segment(2) }
  const report = await check(storeOf(first, third([deletion])))
  t.equal(report.problems.length, 1, 'that a segment went explains no record that is missing')
  t.match(report.problems, [lost])
  const logStart = (offset: number): LoggedChange => {
    return { op: 'put', entry: { family: 'log-start', row: { queue: 7, offset } } }
  }
  t.equal((await check(storeOf(first, third([deletion, logStart(5)])))).problems.length, 1)
  t.same((await check(storeOf(first, third([deletion, logStart(6)])))).problems, [])
})

/** Segment 1, and a cleaner's copy of what was in segment 2: segment 4. */
function withCopy(): [SegmentImage, SegmentImage] {
  const first = new SegmentImage()
  first.group([orders, run(7, 0)])
  first.footer()
  const copy = new SegmentImage(4, 1, incompatibleFeatures.copied)
  copy.group([orders, run(7, 3)])
  copy.footer()
  return [first, copy]
}

const segment = (id: number, firstSequence: number): StoredRow => {
  const row = { id, firstSequence, lastSequence: firstSequence, dataBytes: 1 }
  return { family: 'segment', row }
}

/** The copy takes its source's place. */
const swap: LoggedChange[] = [
  { op: 'put', entry: segment(4, 2) },
  { op: 'delete', key: engineKeys.segment(2) }
]

t.test("a cleaner's copy accounts for the records in it, once it is live", async (t) => {
  const [first, copy] = withCopy()
  const last = (changes: readonly LoggedChange[]) => {
    const image = new SegmentImage(3, 3)
    image.group([orders, run(7, 6)])
    image.group([makeState(changes)])
    return image
  }
  const sound = await check(storeOf(first, last(swap), copy))
  t.same(sound.problems, [])
  t.match(sound.totals, { segments: 3, records: 9 })
  const unknown = await check(storeOf(first, last([]), copy))
  t.match(unknown, { strays: [segmentFileName(4)], problems: [{ segment: 3 }, { uid: 7 }] })
  const gone = await check(storeOf(first, last(swap)))
  t.match(gone.problems, [{ uid: 7, offsets: { first: 3, last: 5 } }])
  const bytes = copy.bytes()
  bytes[copy.groups[0]!.position + copy.groups[0]!.bytes - 1]! ^= 1
  const fileSystem = storeOf(first, last(swap))
  put(fileSystem, 4, bytes)
  t.match((await check(fileSystem)).problems, [{ where: 'batch', topic: 'orders', segment: 4 }])
})

t.test('a copy that was begun before a snapshot and live after it is no deleted one', async (t) => {
  const [first, copy] = withCopy()
  const last = new SegmentImage(5, 3)
  last.group([orders, run(7, 6)])
  const taken = last.groups[0]!
  last.group([makeState(swap)])
  const others = [segment(1, 1), segment(2, 2), segment(5, 3)]
  const fileSystem = storeOf(first, last, copy)
  await addSnapshot(fileSystem, 3, taken.position + taken.bytes, [9, 0], { segment: 5, others })
  const report = await check(fileSystem)
  t.same([report.problems, report.strays], [[], []])
  t.match(report.totals, { segments: 3, records: 9 })
  last.group([makeState([])])
  const later = storeOf(first, last, copy)
  const end = last.groups[2]!
  await addSnapshot(later, 5, end.position + end.bytes, [9, 0], { segment: 5, others })
  t.match(
    await check(later),
    { strays: [segmentFileName(4)], problems: [{ uid: 7, offsets: { first: 3, last: 5 } }] },
    'one that a later snapshot does not know any more is'
  )
})
