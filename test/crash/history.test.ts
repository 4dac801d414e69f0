import t from 'tap'
import { checkHistory, type HistoryEvent, type RecordId, type Rule } from './history.ts'

const id = (count: number, producer = 'a', partition = 0): RecordId => ({
  producer,
  partition,
  count
})

/** Two producers, a consumer, a restart, and nothing wrong: b's second batch was written and never acknowledged. */
const good: readonly HistoryEvent[] = [
  { kind: 'sent', ids: [id(0), id(1)] },
  { kind: 'sent', ids: [id(0, 'b')] },
  { kind: 'acknowledged', baseOffset: 1, ids: [id(0), id(1)] },
  { kind: 'acknowledged', baseOffset: 0, ids: [id(0, 'b')] },
  {
    kind: 'given',
    partition: 0,
    from: 0,
    records: [
      { offset: 0, id: id(0, 'b') },
      { offset: 1, id: id(0) }
    ]
  },
  { kind: 'commit-sent', partition: 0, offset: 2 },
  { kind: 'commit-acknowledged', partition: 0, offset: 2 },
  { kind: 'sent', ids: [id(1, 'b')] },
  { kind: 'sent', ids: [id(2)] },
  { kind: 'committed', partition: 0, offset: 2 },
  {
    kind: 'read',
    partition: 0,
    from: 0,
    records: [
      { offset: 0, id: id(0, 'b') },
      { offset: 1, id: id(0) },
      { offset: 2, id: id(1) },
      { offset: 3, id: id(1, 'b') }
    ]
  }
]

/** The same, with its first two records deleted and a topic that came and went. */
const trimmed: readonly HistoryEvent[] = [
  { kind: 'topic-made', topic: 'kept' },
  { kind: 'topic-made', topic: 'short' },
  ...good,
  { kind: 'may-go', partition: 0, offset: 2 },
  { kind: 'topic-drop-sent', topic: 'short' },
  { kind: 'topics', topics: ['kept', 'short'] },
  { kind: 'gone', partition: 0, offset: 2 },
  { kind: 'topic-dropped', topic: 'short' },
  { kind: 'topics', topics: ['kept'] },
  readFrom(2)
]

/** What the good history read, from this offset on. */
function readFrom(from: number): HistoryEvent {
  const all = [id(0, 'b'), id(0), id(1), id(1, 'b')]
  const records = all.map((one, offset) => ({ offset, id: one }))
  return { kind: 'read', partition: 0, from, records: records.slice(from) }
}

t.test('a history of a correct server has no violation', async (t) => {
  t.same(checkHistory(good), [])
})

t.test('a deletion that was asked for is none either, done or not', async (t) => {
  t.same(checkHistory(trimmed), [])
  const asked = { kind: 'may-go', partition: 0, offset: 3 } as const
  t.same(checkHistory([...good, asked, readFrom(0)]), [])
  t.same(checkHistory([...good, asked, readFrom(1), readFrom(3)]), [])
})

/** The good history with the records of its last read changed. */
function withRead(change: (records: { offset: number; id: RecordId | null }[]) => void) {
  return good.map((event) => {
    if (event.kind !== 'read') return event
    const records = event.records.map((record) => ({ ...record }))
    change(records)
    return { ...event, records }
  })
}

const planted: { name: string; rule: Rule; history: readonly HistoryEvent[] }[] = [
  {
    name: 'an acknowledged record is gone from the end',
    rule: 'acknowledged records stay',
    history: withRead((records) => records.splice(2))
  },
  {
    name: 'a record that a consumer was given is gone',
    rule: 'given records stay',
    history: [
      ...good,
      { kind: 'given', partition: 0, from: 3, records: [{ offset: 3, id: id(1, 'b') }] },
      ...withRead((records) => records.splice(3)).slice(-1)
    ]
  },
  {
    name: 'a record that a consumer was given was replaced by another at its offset',
    rule: 'given records stay',
    history: [
      ...good,
      { kind: 'given', partition: 0, from: 3, records: [{ offset: 3, id: id(1, 'b') }] },
      ...withRead((records) => records.splice(3, 1, { offset: 3, id: id(2) })).slice(-1)
    ]
  },
  {
    name: 'a record is there twice',
    rule: 'a producer has its records in order, each once',
    history: withRead((records) => records.push({ offset: 4, id: id(1, 'b') }))
  },
  {
    name: 'an unacknowledged record came before an earlier one of its producer',
    rule: 'a producer has its records in order, each once',
    history: [
      { kind: 'sent', ids: [id(0), id(1)] },
      {
        kind: 'read',
        partition: 0,
        from: 0,
        records: [
          { offset: 0, id: id(1) },
          { offset: 1, id: id(0) }
        ]
      }
    ]
  },
  {
    name: 'two acknowledged records changed places',
    rule: 'acknowledged records stay',
    history: withRead((records) => {
      const [one, two] = [records[1], records[2]]
      if (one && two) [one.id, two.id] = [two.id, one.id]
    })
  },
  {
    name: 'offsets have a gap',
    rule: 'a read has no gap',
    history: withRead((records) => {
      for (const record of records) if (record.offset === 3) record.offset = 4
    })
  },
  {
    name: 'a record has content that nobody sent',
    rule: 'nothing is there that was not sent',
    history: withRead((records) => records.push({ offset: 4, id: null }))
  },
  {
    name: 'a record came that its producer never sent',
    rule: 'nothing is there that was not sent',
    history: withRead((records) => records.push({ offset: 4, id: id(7) }))
  },
  {
    name: 'a consumer was given the next record but one',
    rule: 'a consumer skips nothing',
    history: [
      ...good,
      { kind: 'given', partition: 0, from: 2, records: [{ offset: 3, id: id(1, 'b') }] }
    ]
  },
  {
    name: 'a consumer was taken past more than what was damaged',
    rule: 'a consumer skips nothing',
    history: [
      ...good,
      {
        kind: 'given',
        partition: 0,
        from: 1,
        records: [{ offset: 3, id: id(1, 'b') }],
        lost: new Set([1])
      }
    ]
  },
  {
    name: 'two acknowledgements name one offset',
    rule: 'acknowledged records stay',
    history: [...good, { kind: 'acknowledged', baseOffset: 2, ids: [id(2)] }]
  },
  {
    name: 'an acknowledged commit went back',
    rule: 'a commit that was acknowledged stays',
    history: [
      { kind: 'commit-sent', partition: 0, offset: 1 },
      ...good,
      { kind: 'committed', partition: 0, offset: 1 }
    ]
  },
  {
    name: 'an acknowledged commit is gone',
    rule: 'a commit that was acknowledged stays',
    history: [...good, { kind: 'committed', partition: 0, offset: -1 }]
  },
  {
    name: 'a commit is there that nobody asked for',
    rule: 'no commit comes from nowhere',
    history: [...good, { kind: 'committed', partition: 0, offset: 3 }]
  },
  {
    name: 'records are gone that nobody deleted',
    rule: 'records go only when they may',
    history: [...good, readFrom(1)]
  },
  {
    name: 'more is gone than was to be deleted',
    rule: 'records go only when they may',
    history: [...trimmed, readFrom(3)]
  },
  {
    name: 'deleted records are back',
    rule: 'what is gone stays gone',
    history: [...trimmed, readFrom(0)]
  },
  {
    name: 'a record behind the deleted ones is gone',
    rule: 'acknowledged records stay',
    history: [...trimmed, { kind: 'read', partition: 0, from: 2, records: [] }]
  },
  {
    name: 'a partition does not begin where it says',
    rule: 'a read has no gap',
    history: [
      ...trimmed,
      { kind: 'read', partition: 0, from: 2, records: [{ offset: 3, id: id(1, 'b') }] }
    ]
  },
  {
    name: 'a topic is gone that nobody deleted',
    rule: 'a topic stays until it is deleted',
    history: [...trimmed, { kind: 'topics', topics: [] }]
  },
  {
    name: 'a deleted topic is back',
    rule: 'a topic stays until it is deleted',
    history: [...trimmed, { kind: 'topics', topics: ['kept', 'short'] }]
  },
  {
    name: 'a topic that was seen to be gone is back',
    rule: 'a topic stays until it is deleted',
    history: [
      { kind: 'topic-made', topic: 'short' },
      { kind: 'topic-drop-sent', topic: 'short' },
      { kind: 'topics', topics: [] },
      { kind: 'topics', topics: ['short'] }
    ]
  }
]

for (const { name, rule, history } of planted) {
  t.test(`caught: ${name}`, async (t) => {
    const found = checkHistory(history).map((violation) => violation.rule)
    t.ok(found.includes(rule), `${rule}; found: ${found.join(', ') || 'nothing'}`)
  })
}

t.test('what was reported as damaged may be missing, and nothing else', async (t) => {
  const gap = (lost: number[]) =>
    withRead((records) => records.splice(1, 1)).map((event) =>
      event.kind === 'read' ? { ...event, lost: new Set(lost) } : event
    )
  t.same(checkHistory(gap([1])), [])
  t.ok(checkHistory(gap([2])).length > 0)
  const records = [{ offset: 3, id: id(1, 'b') }]
  const given = { kind: 'given', partition: 0, from: 1, records, lost: new Set([1, 2]) } as const
  t.same(checkHistory([...good, given]), [])
  const back: HistoryEvent = { kind: 'committed', partition: 0, offset: -1 }
  t.same(checkHistory([...good, { kind: 'commits-lost' }, back]), [])
})
