// The judge of compacted topics, on histories made by hand.
import t from 'tap'
import {
  type CompactedTopics,
  checkHistory,
  type HistoryEvent,
  type RecordId,
  type Rule
} from './history.ts'

/** What each record of the one producer does, by its count, which is its offset too: writes a key, or deletes it. */
const done = ['a', 'b', 'a', 'delete b', 'c', 'a', 'b', 'delete a', 'a']

const topics: CompactedTopics = {
  has: (partition) => partition === 0,
  keyedOf: ({ count }) => {
    const what = done[count] ?? ''
    return { key: what.slice(-1), isTombstone: what.startsWith('delete') }
  }
}

const id = (count: number, partition = 0): RecordId => ({ producer: 'w', partition, count })

const sent = (...counts: number[]): HistoryEvent => ({
  kind: 'sent',
  ids: counts.map((n) => id(n))
})

const acknowledged = (baseOffset: number, ...counts: number[]): HistoryEvent => ({
  kind: 'acknowledged',
  baseOffset,
  ids: counts.map((n) => id(n))
})

const mayGo = (...counts: number[]): HistoryEvent => ({
  kind: 'tombstones-may-go',
  ids: counts.map((n) => id(n))
})

/** A record where it belongs, by its count; or another one at an offset. */
type Placed = number | { readonly offset: number; readonly id: RecordId | null }

const placed = (records: readonly Placed[]) =>
  records.map((one) => (typeof one === 'number' ? { offset: one, id: id(one) } : one))

const begun: HistoryEvent = { kind: 'read-begun', partition: 0 }

/** A read from the log start to the end. */
const readFrom = (from: number, end: number, ...records: Placed[]): HistoryEvent => ({
  kind: 'read',
  partition: 0,
  from,
  end,
  records: placed(records)
})

const read = (end: number, ...records: Placed[]): HistoryEvent => readFrom(0, end, ...records)

const given = (from: number, next: number, ...records: Placed[]): HistoryEvent => ({
  kind: 'given',
  partition: 0,
  from,
  next,
  records: placed(records)
})

/** Six records are there, then the newest of each key, then those without the tombstone of b. */
const written = [sent(0, 1, 2, 3, 4, 5), acknowledged(0, 0, 1, 2), acknowledged(3, 3, 4, 5)]
const compacted = [...written, begun, read(6, 0, 1, 2, 3, 4, 5), begun, read(6, 3, 4, 5)]
const cleaned = [...compacted, mayGo(3), begun, read(6, 4, 5)]

const sound: { name: string; history: readonly HistoryEvent[] }[] = [
  { name: 'nothing is compacted', history: [...written, read(6, 0, 1, 2, 3, 4, 5)] },
  { name: 'only the newest are left, and no tombstone at last', history: cleaned },
  { name: 'a part is compacted', history: [...written, read(6, 1, 2, 3, 4, 5)] },
  {
    name: 'a consumer goes over what is superseded',
    history: [...written, given(0, 3), given(3, 6, 3, 4, 5)]
  },
  {
    name: 'a record that nobody acknowledged supersedes another',
    history: [...written, sent(6), given(3, 4), begun, read(7, 4, 5, 6)]
  },
  {
    name: 'it is written on while all is read',
    history: [...written, sent(6, 7), begun, acknowledged(6, 6, 7), read(7, 4, 5, 6)]
  },
  {
    name: 'a tombstone that nobody acknowledged has deleted a key, and had its time',
    history: [...written, sent(7), mayGo(3, 7), begun, read(6, 4)]
  },
  {
    name: 'a tombstone had its time while all was read',
    history: [...written, mayGo(3), begun, read(6, 1, 4, 5), begun, read(6, 4, 5)]
  },
  {
    name: 'records went by their age',
    history: [...written, { kind: 'may-go', partition: 0, offset: 5 }, readFrom(5, 6, 5)]
  },
  {
    name: 'the log start went over what is superseded',
    history: [...written, readFrom(3, 6, 3, 4, 5)]
  },
  {
    name: 'the newest was acknowledged late',
    history: [sent(0, 2), begun, read(3, 2), acknowledged(0, 0), acknowledged(2, 2)]
  }
]

for (const { name, history } of sound)
  t.test(`no violation: ${name}`, async (t) => {
    t.same(checkHistory(history, topics), [])
  })

const planted: { name: string; rule: Rule; history: readonly HistoryEvent[] }[] = [
  {
    name: 'the newest is gone',
    rule: 'the newest record of a key stays',
    history: [...written, begun, read(6, 3, 4)]
  },
  {
    name: 'the older of two was kept',
    rule: 'the newest record of a key stays',
    history: [...written, begun, read(6, 2, 3, 4)]
  },
  {
    name: 'what a consumer was given is gone, though nobody acknowledged it',
    rule: 'the newest record of a key stays',
    history: [...written, sent(6), given(6, 7, 6), begun, read(7, 3, 4, 5)]
  },
  {
    name: 'a record in doubt excuses that another is gone',
    rule: 'the newest record of a key stays',
    history: [...written, sent(8), begun, read(6, 3, 4)]
  },
  {
    name: 'a tombstone in doubt that is too young does too',
    rule: 'the newest record of a key stays',
    history: [...written, sent(7), begun, read(6, 3, 4)]
  },
  {
    name: 'a tombstone went too early',
    rule: 'a tombstone stays for its time',
    history: [...written, begun, read(6, 4, 5)]
  },
  {
    name: 'a tombstone went too early, and what it deleted is there',
    rule: 'a tombstone stays for its time',
    history: [...written, begun, read(6, 1, 4, 5)]
  },
  {
    name: 'a tombstone went before what it deleted',
    rule: 'what a tombstone deleted stays away',
    history: [...written, mayGo(3), begun, read(6, 1, 4, 5), begun, read(6, 1, 4, 5)]
  },
  {
    name: 'what was compacted away is back',
    rule: 'what was compacted away stays away',
    history: [...compacted, begun, read(6, 0, 3, 4, 5)]
  },
  {
    name: 'what was deleted is back',
    rule: 'what was compacted away stays away',
    history: [...cleaned, begun, read(6, 1, 4, 5)]
  },
  {
    name: 'a tombstone is back',
    rule: 'what was compacted away stays away',
    history: [...cleaned, begun, read(6, 3, 4, 5)]
  },
  {
    name: 'a record was moved up to its neighbour',
    rule: 'a record keeps its offset',
    history: [...written, begun, read(6, 4, 5, { offset: 3, id: id(5) })]
  },
  {
    name: 'two records changed places',
    rule: 'a record keeps its offset',
    history: [...written, begun, read(6, 3, { offset: 4, id: id(5) }, { offset: 5, id: id(4) })]
  },
  {
    name: 'a record has another content',
    rule: 'nothing is there that was not sent',
    history: [...written, begun, read(6, 3, 4, { offset: 5, id: null })]
  },
  {
    name: 'a record is there that was never sent',
    rule: 'nothing is there that was not sent',
    history: [...written, begun, read(9, 3, 4, 5, 8)]
  },
  {
    name: 'a record was acknowledged twice, at two offsets',
    rule: 'a record keeps its offset',
    history: [...written, acknowledged(6, 5)]
  },
  {
    name: 'two records were acknowledged at one offset',
    rule: 'a record keeps its offset',
    history: [...written, sent(6), acknowledged(5, 6)]
  },
  {
    name: 'records come out of order',
    rule: 'offsets rise',
    history: [...written, begun, read(6, 4, 3, 5)]
  },
  {
    name: 'a record comes twice',
    rule: 'offsets rise',
    history: [...written, begun, read(6, 3, 4, 4, 5)]
  },
  {
    name: 'a consumer is given what is before its place',
    rule: 'offsets rise',
    history: [...written, given(5, 6, 4, 5)]
  },
  {
    name: 'a producer has its records out of order',
    rule: 'a producer has its records in order, each once',
    history: [sent(0, 1), read(2, { offset: 0, id: id(1) }, { offset: 1, id: id(0) })]
  },
  {
    name: 'the end went back',
    rule: 'the end never goes back',
    history: [...written, begun, read(5, 3, 4)]
  },
  {
    name: 'the end went back over what was compacted away',
    rule: 'the end never goes back',
    history: [...cleaned, begun, read(4)]
  },
  {
    name: 'a consumer is not given the newest',
    rule: 'only what is superseded is skipped',
    history: [...written, given(3, 6, 3, 5)]
  },
  {
    name: 'a consumer is not given the last',
    rule: 'only what is superseded is skipped',
    history: [...written, given(3, 6, 3, 4)]
  },
  {
    name: 'a consumer is not given a tombstone that is young',
    rule: 'only what is superseded is skipped',
    history: [...written, given(3, 6, 4, 5)]
  },
  {
    name: 'records went that nobody deleted',
    rule: 'records go only when they may',
    history: [...written, readFrom(4, 6, 4, 5)]
  }
]

for (const { name, rule, history } of planted)
  t.test(`caught: ${name}`, async (t) => {
    const found = checkHistory(history, topics).map((violation) => violation.rule)
    t.ok(found.includes(rule), `${rule}; found: ${found.join(', ') || 'nothing'}`)
  })

t.test('partitions of other topics are judged as ever', async (t) => {
  const ids = [0, 1, 2].map((n) => id(n, 1))
  const records = ids.map((one, offset) => ({ offset, id: one }))
  const all: HistoryEvent[] = [
    { kind: 'sent', ids },
    { kind: 'acknowledged', baseOffset: 0, ids },
    { kind: 'given', partition: 1, from: 0, records },
    { kind: 'read', partition: 1, records }
  ]
  t.same(checkHistory(all, topics), [])
  const gap = { kind: 'read', partition: 1, records: records.slice(1) } as const
  t.same(
    checkHistory([...all, gap], topics).map(({ rule }) => rule),
    ['a read has no gap', 'acknowledged records stay']
  )
})
