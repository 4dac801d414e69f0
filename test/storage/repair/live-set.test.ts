// Which segments are live, and where they stand, from what they say of each other.
import t from 'tap'
import type { SegmentFooter } from '../../../storage/layout/types.ts'
import type { FoundSegment, Inventory } from '../../../storage/repair/inventory.ts'
import { liveSetOf } from '../../../storage/repair/live-set.ts'
import type { SegmentRow } from '../../../storage/state/stored-rows.ts'

type Offsets = Readonly<Record<number, readonly [from: number, to: number]>>

function segmentOf(id: number, queues: Offsets, more: Partial<FoundSegment>): FoundSegment {
  const ranges = Object.entries(queues).map(([queue, [from, to]]) => {
    return [Number(queue), { from, to, runsTo: to }] as const
  })
  return {
    id,
    isCopy: false,
    groupCount: 1,
    firstSequence: 1,
    lastSequence: 1,
    footer: undefined,
    isDamaged: false,
    dataBytes: 5000,
    firstAppendMs: 1,
    lastAppendMs: 1,
    queues: new Map(ranges),
    descriptions: [],
    ...more
  }
}

/** One of the log's own, with a footer that names the next, unless that is 0. */
function own(id: number, first: number, last: number, next: number, queues: Offsets): FoundSegment {
  const named = { segmentId: id, position: 5000, lastSequence: last, groupCount: 1 }
  const footer: SegmentFooter | undefined =
    next === 0 ? undefined : { ...named, nextSegmentId: next }
  return segmentOf(id, queues, { firstSequence: first, lastSequence: last, footer })
}

const copy = (id: number, queues: Offsets, more: Partial<FoundSegment> = {}) =>
  segmentOf(id, queues, { isCopy: true, ...more })

function inventoryOf(segments: FoundSegment[], more: Partial<Inventory> = {}): Inventory {
  const ids = segments.map(({ id }) => id)
  return {
    segments: segments.sort((a, b) => a.id - b.id),
    there: new Set(ids),
    segmentIdMax: Math.max(...ids),
    rows: new Map(),
    deleted: new Set(),
    dropped: new Set(),
    queueUidMax: 0,
    producerIdMax: -1,
    ...more
  }
}

const nothing = { rows: new Map<number, SegmentRow>(), stateThrough: 0, hasSnapshot: false }
const order = ({ rows }: { readonly rows: readonly SegmentRow[] }): number[] =>
  rows.toSorted((a, b) => a.firstSequence - b.firstSequence).map(({ id }) => id)

t.test('copies of which no row is left stand where their offsets go on', async (t) => {
  const live = liveSetOf(
    inventoryOf([
      own(5, 41, 60, 6, { 1: [20, 30] }),
      own(6, 61, 80, 7, { 2: [10, 20] }),
      own(9, 101, 120, 0, { 1: [35, 40] }),
      copy(10, { 1: [10, 20], 2: [0, 10] }),
      copy(11, { 1: [30, 35] }),
      copy(12, { 1: [0, 10] })
    ]),
    nothing
  )
  t.same(order(live), [12, 10, 5, 6, 11, 9])
  t.equal(live.open, 9)
  t.equal(live.missing.size, 0)
  t.match(live.gaps, [
    { firstSegment: 1, lastSegment: 4, firstSequence: 1, lastSequence: 40 },
    { firstSegment: 7, lastSegment: 8, firstSequence: 81, lastSequence: 100 }
  ])
  const sequences = live.rows.map(({ firstSequence }) => firstSequence)
  t.equal(new Set(sequences).size, live.rows.length, 'each has a place of its own')
})

t.test('where offsets leave a choice, times say where a copy was', async (t) => {
  const live = liveSetOf(
    inventoryOf([
      own(2, 11, 20, 3, { 1: [0, 1] }),
      { ...own(5, 31, 40, 6, { 1: [1, 2] }), firstAppendMs: 9, lastAppendMs: 9 },
      { ...own(6, 41, 50, 0, { 1: [2, 3] }), firstAppendMs: 10, lastAppendMs: 10 },
      copy(7, { 2: [0, 5] }, { firstAppendMs: 5, lastAppendMs: 6 })
    ]),
    nothing
  )
  t.same(order(live), [2, 7, 5, 6])
})

t.test('a copy of what is there is none of the log', async (t) => {
  const sources = [own(1, 1, 20, 2, { 1: [0, 9] }), own(2, 21, 40, 0, { 1: [9, 12] })]
  const live = liveSetOf(inventoryOf([...sources, copy(3, { 1: [0, 9] })]), nothing)
  t.same(order(live), [1, 2])
  t.same(live.leftOut, [3])
  const older = copy(3, { 1: [0, 5] })
  const newer = copy(4, { 1: [0, 9] })
  const left = [{ ...(sources[1] as FoundSegment) }, older, newer]
  t.same(order(liveSetOf(inventoryOf(left), nothing)), [4, 2], 'nor is one that was copied itself')
})

t.test('offsets and sequences that are missing together were in a segment', async (t) => {
  const gone = [own(1, 1, 20, 2, { 1: [0, 9] }), own(3, 41, 60, 0, { 1: [12, 20] })]
  const live = liveSetOf(inventoryOf(gone), nothing)
  t.same(order(live), [1, 2, 3])
  t.same([...live.missing], [2])
  // A cleaner leaves out only what is before a log start.
  const whole = [
    own(1, 1, 20, 2, { 1: [0, 9] }),
    copy(4, { 1: [12, 15] }),
    own(3, 22, 60, 0, { 1: [15, 20] })
  ]
  const moved = liveSetOf(inventoryOf(whole), nothing)
  t.equal(moved.missing.size, 0)
  t.equal(moved.starts.get(1), 12)
  const damaged = whole.map((one) => ({ ...one, isDamaged: one.id === 1 }))
  t.equal(liveSetOf(inventoryOf(damaged), nothing).starts.get(1), 0, 'or damage took them')
})

t.test('a segment that a snapshot knows as sealed is gone on with no more', async (t) => {
  const rows = new Map([
    [1, { id: 1, firstSequence: 1, lastSequence: 20, dataBytes: 9000 }],
    [2, { id: 2, firstSequence: 21, lastSequence: -1, dataBytes: -1 }]
  ])
  const told = { rows, stateThrough: 15, hasSnapshot: true }
  const live = liveSetOf(inventoryOf([own(1, 1, 18, 0, { 1: [0, 9] })]), told)
  t.equal(live.open, undefined)
  t.same([...live.missing], [2])
  t.match(
    live.rows.find(({ id }) => id === 1),
    { lastSequence: 20 }
  )
})

t.test('a segment that the log says was deleted is not missing', async (t) => {
  const segments = [own(1, 1, 20, 2, { 1: [0, 9] }), own(4, 61, 80, 0, { 1: [20, 30] })]
  const inventory = inventoryOf(segments, { deleted: new Set([2, 3]) })
  const rows = new Map([[1, { id: 1, firstSequence: 1, lastSequence: -1, dataBytes: -1 }]])
  const live = liveSetOf(inventory, { rows, stateThrough: 5, hasSnapshot: true })
  t.same(order(live), [1, 4])
  t.equal(live.missing.size, 0)
})

t.test('a copy that the log speaks of, and that is not there, is named', async (t) => {
  const segments = [own(3, 21, 40, 4, { 1: [9, 12] }), own(4, 41, 60, 0, { 1: [12, 20] })]
  const rows = new Map([[5, { id: 5, firstSequence: 1, lastSequence: 20, dataBytes: 9000 }]])
  const deleted = new Set([1, 2])
  const live = liveSetOf(inventoryOf(segments, { rows, deleted, segmentIdMax: 5 }), nothing)
  t.same(live.gaps, [{ firstSegment: 5, lastSegment: 5, firstSequence: 1, lastSequence: 20 }])
})

t.test('before a last segment of which nothing can be read there is room for copies', async (t) => {
  const copies = [copy(7, { 1: [0, 9] }), copy(8, { 1: [9, 12] }), copy(9, { 1: [14, 16] })]
  const nothingLeft = { groupCount: 0, lastSequence: 0, firstSequence: 0 }
  const last = segmentOf(12, {}, nothingLeft)
  const live = liveSetOf(inventoryOf([...copies, last]), nothing)
  t.same(
    order(live).filter((id) => !live.missing.has(id)),
    [7, 8, 9, 12]
  )
  t.equal(live.missing.size, 1, 'for the hole before the last copy')
  t.equal(live.open, 12)
  const known = segmentOf(12, {}, { ...nothingLeft, firstSequence: 102 })
  const placed = liveSetOf(inventoryOf([...copies, known]), nothing).rows
  t.match(
    placed.find(({ id }) => id === 12),
    { firstSequence: 102 }
  )
})
