import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  decodeKey,
  decodeRow,
  encodeKey,
  encodeRow,
  keyRange
} from '../../../storage/state/codec.ts'
import {
  type StoredFamily,
  type StoredKey,
  type StoredRow,
  storedKeyOf
} from '../../../storage/state/stored-rows.ts'
import { storedRow, text } from './arbitrary-rows.ts'

const topicId = '00112233445566778899aabbccddeeff'

/** One row a family, put together by hand from docs/storage-format.md: version, then the fields in order. */
const goldenRows: readonly { entry: StoredRow; hex: string }[] = [
  {
    entry: {
      family: 'committed-offset',
      row: {
        group: 'gé',
        topicId,
        queue: 300,
        offset: -2,
        leaderEpoch: 0,
        metadata: 'm',
        commitTimeMs: 64
      }
    },
    hex: `01 03 67c3a9 ${topicId} ac02 41 00 01 6d 80 01`
  },
  {
    entry: {
      family: 'group',
      row: {
        names: { kafka: 'a.b', rocketmq: 'a|2Eb' },
        protocolType: '',
        emptySinceMs: -1,
        settings: { k: 'v' }
      }
    },
    hex: '01 03 612e62 05 617c324562 00 40 01 01 6b 01 76'
  },
  { entry: { family: 'log-start', row: { queue: 5, offset: 128 } }, hex: '01 05 8001' },
  {
    entry: {
      family: 'queue-epochs',
      row: {
        queue: 5,
        epochs: [
          { epoch: 0, startOffset: 0 },
          { epoch: 1, startOffset: 127 }
        ]
      }
    },
    hex: '01 05 02 00 00 01 7f'
  },
  { entry: { family: 'setting', row: { name: 'n', value: '' } }, hex: '01 01 6e 00' },
  {
    entry: {
      family: 'topic',
      row: {
        id: topicId,
        names: { kafka: 't', rocketmq: 't' },
        queues: [1, 2],
        config: { a: '1' },
        perm: 6,
        messageType: 'NORMAL',
        readQueues: 2,
        writeQueues: 1,
        system: true,
        createdMs: 8192
      }
    },
    hex: `01 ${topicId} 01 74 01 74 02 01 02 01 01 61 01 31 06 06 4e4f524d414c 02 01 01 80 8001`
  },
  {
    entry: {
      family: 'queue',
      row: { queue: 1, topicId, index: 0, nextOffset: 9007199254740991, maxTimestamp: -1 }
    },
    hex: `01 01 ${topicId} 00 ffffffffffffff0f 40`
  },
  {
    entry: {
      family: 'segment',
      row: { id: 3, firstSequence: 10, lastSequence: -1, dataBytes: 4096 }
    },
    hex: '01 03 0a 40 80 40'
  },
  {
    entry: {
      family: 'producer',
      row: {
        queue: 1,
        producerId: 1000,
        epoch: 2,
        batches: [{ firstSequence: 0, lastSequence: 4, baseOffset: 10, appendTimeMs: 1 }]
      }
    },
    hex: '01 01 e807 02 01 00 04 0a 01'
  },
  {
    entry: {
      family: 'counters',
      row: { nextQueueUid: 1, nextSegmentId: 2, nextProducerId: 3 }
    },
    hex: '01 01 02 03'
  }
]

t.test('a row of each family has these bytes', async (t) => {
  for (const { entry, hex } of goldenRows) {
    const golden = Buffer.from(hex.replace(/ /g, ''), 'hex')
    t.equal(encodeRow(entry).toString('hex'), golden.toString('hex'), entry.family)
    t.same(decodeRow(entry.family, golden), entry)
  }
})

t.test('every truncation, a byte too many and another version of a row are refused', async (t) => {
  for (const { entry } of goldenRows) {
    const bytes = encodeRow(entry)
    for (let end = 0; end < bytes.length; end++) {
      t.throws(() => decodeRow(entry.family, bytes.subarray(0, end)), { code: 'truncated' })
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(1)])
    t.throws(() => decodeRow(entry.family, longer), { code: 'malformed' })
    bytes[0] = 2
    t.throws(() => decodeRow(entry.family, bytes), { code: 'unsupported' })
  }
})

t.test('rows come back as they were', async () => {
  fc.assert(
    fc.property(storedRow, (entry) => {
      const bytes = encodeRow(entry)
      assert.deepEqual(decodeRow(entry.family, bytes), entry)
      assert.ok(encodeRow(decodeRow(entry.family, bytes)).equals(bytes))
    }),
    { numRuns: 300 }
  )
})

t.test('any bytes give a row or a LayoutError', async () => {
  const families = goldenRows.map(({ entry }) => entry.family)
  fc.assert(
    fc.property(fc.constantFrom(...families), fc.uint8Array({ maxLength: 60 }), (family, tail) => {
      for (const bytes of [Buffer.from(tail), Buffer.concat([Buffer.from([1]), tail])]) {
        try {
          assert.deepEqual(
            decodeRow(family, encodeRow(decodeRow(family, bytes))),
            decodeRow(family, bytes)
          )
        } catch (error) {
          if ((error as Error).name !== 'LayoutError') throw error
        }
      }
    })
  )
})

t.test('a setting named __proto__ is kept like any other', async (t) => {
  const settings = Object.fromEntries([['__proto__', 'x']])
  const row = { names: { kafka: 'g', rocketmq: 'g' }, protocolType: '', emptySinceMs: 0, settings }
  const back = decodeRow('group', encodeRow({ family: 'group', row }))
  t.ok(back.family === 'group')
  t.equal(encodeRow(back).toString('hex'), encodeRow({ family: 'group', row }).toString('hex'))
})

t.test('keys have these bytes', async (t) => {
  const cases: [StoredKey, string][] = [
    [{ family: 'committed-offset', bucket: 'g', item: 'ab7' }, '01 67 0001 616237'],
    [{ family: 'committed-offset', bucket: 'g\0h', item: '\0' }, '01 6700ff68 0001 00'],
    [{ family: 'counters', bucket: '', item: '' }, '14 0001'],
    [{ family: 'producer', bucket: '12', item: '1000' }, '13 3132 0001 31303030']
  ]
  for (const [key, hex] of cases) {
    t.equal(encodeKey(key).toString('hex'), hex.replace(/ /g, ''))
    t.same(decodeKey(encodeKey(key)), key)
  }
})

t.test('damaged keys are refused', async (t) => {
  const refused: [string, string][] = [
    ['', 'truncated'],
    ['01', 'truncated'],
    ['0167', 'truncated'],
    ['016700', 'malformed'],
    ['01670002', 'malformed'],
    ['ff0001', 'unsupported']
  ]
  for (const [hex, code] of refused) {
    t.throws(() => decodeKey(Buffer.from(hex, 'hex')), { name: 'LayoutError', code }, hex)
  }
})

t.test('keys sort by family, bucket and item, and a range holds exactly its bucket', async () => {
  const key = fc.record(
    {
      family: fc.constantFrom<StoredFamily>('committed-offset', 'group', 'producer', 'counters'),
      bucket: text,
      item: text
    },
    { noNullPrototype: true }
  )
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.deepEqual(decodeKey(encodeKey(a)), a)
      const sameBucket = a.family === b.family && a.bucket === b.bucket
      assert.equal(encodeKey(a).equals(encodeKey(b)), sameBucket && a.item === b.item)
      assert.equal(holds(keyRange(a.family, a.bucket), encodeKey(b)), sameBucket)
      assert.equal(holds(keyRange(a.family), encodeKey(b)), a.family === b.family)
      const order = Buffer.compare(Buffer.from(a.bucket), Buffer.from(b.bucket))
      if (a.family === b.family && order !== 0) {
        assert.equal(Buffer.compare(encodeKey(a), encodeKey(b)), order)
      }
    }),
    { numRuns: 300 }
  )
})

t.test('the key of a row decodes to the key its row names', async (t) => {
  for (const { entry } of goldenRows)
    t.same(decodeKey(encodeKey(storedKeyOf(entry))), storedKeyOf(entry))
})

function holds(range: { gte: Buffer; lt: Buffer }, key: Buffer): boolean {
  return Buffer.compare(range.gte, key) <= 0 && Buffer.compare(key, range.lt) < 0
}
