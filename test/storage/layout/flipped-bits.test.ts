import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { FileWindow } from '../../../storage/layout/file-window.ts'
import { segmentHeaderBytes } from '../../../storage/layout/format.ts'
import { LayoutError } from '../../../storage/layout/layout-error.ts'
import { isPayloadSound } from '../../../storage/layout/payloads.ts'
import { type ScannedGroup, scanSegment } from '../../../storage/layout/scan.ts'
import { encodeStateEntry } from '../../../storage/layout/state-entry.ts'
import { storedRow } from '../state/arbitrary-rows.ts'
import { makeRun, SegmentImage, storeId } from './log-image.ts'
import { MemoryFile } from './memory-file.ts'

const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) }

const batch = fc.record({
  baseOffset: fc.nat(1000),
  recordCount: fc.integer({ min: 1, max: 9 }),
  payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
})
const entry = fc.oneof(
  fc
    .record({ queue: fc.nat(5), batches: fc.array(batch, { minLength: 1, maxLength: 3 }) })
    .map(({ queue, batches }) => makeRun(queue, batches)),
  fc.array(storedRow, { maxLength: 2 }).map((rows) => {
    return encodeStateEntry(rows.map((row) => ({ op: 'put', entry: row })))
  })
)
const group = fc.record({
  entries: fc.array(entry, { maxLength: 3 }),
  /** How far behind the group before it the fsync is. */
  lag: fc.nat(2)
})
const image = fc
  .record({ groups: fc.array(group, { minLength: 1, maxLength: 4 }), sealed: fc.boolean() })
  .map(({ groups, sealed }) => {
    const made = new SegmentImage()
    let durableThrough = 0
    for (const { entries, lag } of groups) {
      durableThrough = Math.max(durableThrough, made.nextSequence - 1 - lag)
      made.group(entries, { durableThrough })
    }
    if (sealed) made.footer()
    return { image: made, sealed, durableThrough }
  })

async function scan(bytes: Buffer) {
  const groups: ScannedGroup[] = []
  const file = new MemoryFile(bytes)
  const options = { storeId, segmentId: 1, position: segmentHeaderBytes, expectedSequence: 1 }
  const end = await scanSegment(file, options, { group: (found) => void groups.push(found) })
  return { end, groups, file }
}

/** What was wrong with records that recovery had no reason to read, as a reader would find it. */
async function findUnsound(file: MemoryFile, groups: readonly ScannedGroup[]): Promise<number[]> {
  const window = new FileWindow(file, file.bytes.length)
  const unsound: number[] = []
  for (const { header, entries } of groups) {
    for (const found of entries) {
      if (found.kind !== 'run') continue
      for (const batch of found.batches) {
        if (!(await isPayloadSound(window, batch))) unsound.push(header.sequence)
      }
    }
  }
  return unsound
}

t.test('no flipped bit goes unseen: what is delivered is as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(image, fc.nat(), fc.nat(7), async (made, where, bit) => {
      const whole = made.image.bytes()
      const original = await scan(whole)
      const bytes = Buffer.from(whole)
      const at = segmentHeaderBytes + (where % (whole.length - segmentHeaderBytes))
      bytes[at]! ^= 1 << bit
      const { end, groups, file } = await scan(bytes)
      const unsound = await findUnsound(file, groups)
      const hit = made.image.groups.find((header) => {
        return at >= header.position && at < header.position + header.bytes
      })
      for (const found of groups) {
        if (unsound.includes(found.header.sequence)) continue
        const before = original.groups.find(({ header }) => {
          return header.sequence === found.header.sequence
        })
        assert.deepEqual(found, before)
        assert.notEqual(found.header.sequence, hit?.sequence)
      }
      // A group that a later header or the footer proves durable is never cut.
      const durable = made.sealed ? made.image.nextSequence - 1 : provenBehind(made, hit?.sequence)
      const lost = end.damages.flatMap(({ sequences }) => sequences ?? [])
      for (const header of made.image.groups) {
        if (header.sequence > durable) continue
        const given = groups.some((found) => found.header.sequence === header.sequence)
        const reported = lost.some(({ first, last }) => {
          return first <= header.sequence && header.sequence <= last
        })
        // The footer proves nothing when it is what was hit.
        assert.ok(given || reported || hit === undefined, `group ${header.sequence} vanished`)
      }
    }),
    { numRuns: 600, ...seed }
  )
})

t.test('a segment cut short anywhere gives a prefix of its groups', async () => {
  await fc.assert(
    fc.asyncProperty(image, fc.nat(), async (made, where) => {
      const whole = made.image.bytes()
      const original = await scan(whole)
      const length = segmentHeaderBytes + (where % (whole.length - segmentHeaderBytes))
      const { end, groups } = await scan(whole.subarray(0, length))
      const kept = made.image.groups.filter(({ position, bytes }) => position + bytes <= length)
      assert.deepEqual(groups, original.groups.slice(0, kept.length))
      assert.equal(end.nextSequence, kept.length + 1)
      assert.deepEqual(end.damages, [])
      assert.equal(end.footer, undefined)
      const rest = whole.subarray(end.position, length)
      const used =
        rest.length -
        Buffer.from(rest)
          .reverse()
          .findIndex((byte) => byte !== 0)
      if (rest.every((byte) => byte === 0)) assert.equal(end.torn, undefined)
      else assert.ok(end.torn && used <= end.torn.bytes && end.torn.bytes <= rest.length)
    }),
    { numRuns: 300, ...seed }
  )
})

t.test('arbitrary bytes after the log never become a part of it, and end the scan', async () => {
  await fc.assert(
    fc.asyncProperty(image, fc.uint8Array({ maxLength: 400 }), async (made, tail) => {
      const whole = made.image.bytes()
      const original = await scan(whole)
      try {
        const { groups } = await scan(Buffer.concat([whole, tail]))
        assert.deepEqual(groups, original.groups)
      } catch (error) {
        assert.ok(error instanceof LayoutError)
      }
    }),
    { numRuns: 200, ...seed }
  )
})

/** What headers behind the group that was hit prove durable. */
function provenBehind(made: { image: SegmentImage }, hit: number | undefined): number {
  const later = made.image.groups.filter(({ sequence }) => sequence > (hit ?? 0))
  return Math.max(0, ...later.map(({ durableThrough }) => durableThrough))
}
