import fc from 'fast-check'
import t from 'tap'
import {
  blockRunsMax,
  decodeIndexBlock,
  encodeIndexBlock,
  indexBlocksOf
} from '../../storage/index-block.ts'
import { type RunEntry, RunList } from '../../storage/run-list.ts'

const offsets = fc.integer({ min: 0, max: 2 ** 40 })
const runs = fc.array(
  fc.record<RunEntry>({
    baseOffset: offsets,
    nextOffset: offsets,
    segment: fc.integer({ min: 1, max: 2 ** 31 }),
    position: fc.integer({ min: 0, max: 2 ** 30 }),
    bytes: fc.integer({ min: 61, max: 2 ** 30 }),
    appendTimeMs: fc.integer({ min: 0, max: 2 ** 42 }),
    maxTimestamp: fc.integer({ min: -1, max: 2 ** 48 }),
    runningMax: fc.integer({ min: -1, max: 2 ** 48 }),
    flags: fc.integer({ min: 0, max: 255 })
  }),
  { minLength: 1, maxLength: 40 }
)

function listOf(entries: readonly RunEntry[]): RunList {
  const list = new RunList()
  for (const entry of entries) list.push(entry)
  return list
}

t.test('what is packed comes back, field by field', (t) => {
  fc.assert(
    fc.property(runs, (entries) => {
      const block = encodeIndexBlock(listOf(entries), 0, entries.length, 2 ** 41)
      const { runs: back, end } = decodeIndexBlock(block)
      if (end !== 2 ** 41) return false
      return entries.every((entry, i) => {
        const got = back.at(i)
        return Object.keys(entry).every(
          (k) => got[k as keyof RunEntry] === entry[k as keyof RunEntry]
        )
      })
    })
  )
  t.end()
})

t.test('the bytes of a block do not change', (t) => {
  const list = listOf([
    {
      baseOffset: 7,
      nextOffset: 9,
      segment: 2,
      position: 4300,
      bytes: 100,
      appendTimeMs: 1000,
      maxTimestamp: 990,
      runningMax: 995,
      flags: 0
    },
    {
      baseOffset: 9,
      nextOffset: 12,
      segment: 2,
      position: 4500,
      bytes: 61,
      appendTimeMs: 1001,
      maxTimestamp: 1001,
      runningMax: 1001,
      flags: 3
    }
  ])
  // version, end, count; then segment, position, bytes, gap, offsets, append time, max timestamp, running maximum,
  // flags.
  t.equal(
    encodeIndexBlock(list, 0, 2, 12).toString('hex'),
    ['02', '0c', '02', '02 8c43 a401 07 02 a80f 49 a30f 00', '00 a401 3d 00 03 01 00 06 03']
      .join('')
      .replaceAll(' ', '')
  )
  t.end()
})

t.test('a truncated block, one with more behind it and one of another version are refused', (t) => {
  const block = encodeIndexBlock(
    listOf([
      {
        baseOffset: 0,
        nextOffset: 5,
        segment: 1,
        position: 4096,
        bytes: 500,
        appendTimeMs: 1,
        maxTimestamp: 1,
        runningMax: 1,
        flags: 0
      }
    ]),
    0,
    1,
    5
  )
  for (let end = 0; end < block.length; end++)
    t.throws(() => decodeIndexBlock(block.subarray(0, end)), { name: 'LayoutError' })
  t.throws(() => decodeIndexBlock(Buffer.concat([block, Buffer.of(0)])), { name: 'LayoutError' })
  const other = Buffer.from(block)
  other[0] = 3
  t.throws(() => decodeIndexBlock(other), { name: 'LayoutError', code: 'unsupported' })
  t.end()
})

t.test('long lists become several blocks, each under the offset at which it starts', async (t) => {
  const list = new RunList()
  const count = blockRunsMax * 2 + 3
  for (let i = 0; i < count; i++)
    list.push({
      baseOffset: i * 2,
      nextOffset: i * 2 + 2,
      segment: 1,
      position: 4096 + i * 80,
      bytes: 70,
      appendTimeMs: i,
      maxTimestamp: i,
      runningMax: i,
      flags: 0
    })
  const queue = { uid: 9, runs: list, gone: false, indexedEnd: 0 }
  const blocks = [...indexBlocksOf([{ queue, count, end: count * 2 + 5 }])]
  t.strictSame(
    blocks.map(({ queue, start }) => [queue, start]),
    [
      [9, 0],
      [9, blockRunsMax * 2],
      [9, blockRunsMax * 4]
    ]
  )
  const decoded = blocks.map(({ block }) => decodeIndexBlock(block))
  t.equal(
    decoded.reduce((sum, { runs }) => sum + runs.length, 0),
    count
  )
  t.equal(decoded[2]?.runs.nextOffset(), count * 2)
  t.strictSame(
    decoded.map(({ end }) => end),
    [blockRunsMax * 2, blockRunsMax * 4, count * 2 + 5],
    'each ends where the next starts'
  )
  const bare = { ...queue, runs: new RunList(), indexedEnd: 7 }
  const [gap] = [...indexBlocksOf([{ queue: bare, count: 0, end: 9 }])]
  t.match(decodeIndexBlock(gap!.block), { end: 9, runs: { length: 0 } }, 'a stretch without runs')
})
