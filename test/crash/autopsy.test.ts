// What a copy's marks say: whether a cleaner made it or a pass of log compaction.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { incompatibleFeatures } from '../../storage/layout/format.ts'
import { segmentFileName } from '../../storage/layout/segment.ts'
import { encodeStretches } from '../../storage/layout/stretches.ts'
import type { LoggedChange } from '../../storage/layout/types.ts'
import { engineKeys } from '../../storage/state/stored-rows.ts'
import { makeDescription, makeRun, makeState, SegmentImage } from '../storage/layout/log-image.ts'
import { autopsy } from './autopsy.ts'

const orders = makeDescription({
  topicId: 'ab'.repeat(16),
  kafkaName: 'orders',
  rocketmqName: 'orders',
  queues: [7, 8]
})

/** Three records of a queue, or those that are left of them. */
const run = (queue: number, baseOffset: number, recordCount = 3): Buffer =>
  makeRun(queue, [{ baseOffset, recordCount, payload: Buffer.alloc(recordCount, 'x') }])

const stretch = (firstOffset: number, nextOffset: number): Buffer =>
  encodeStretches([{ queue: 7, firstOffset, nextOffset }])

function copyOf(id: number, ...entries: readonly Buffer[]): SegmentImage {
  const copy = new SegmentImage(id, 1, incompatibleFeatures.copied)
  copy.group(entries)
  copy.footer()
  return copy
}

const swap = (into: number, ...sources: readonly number[]): LoggedChange[] => {
  const row = { id: into, firstSequence: 1, lastSequence: 2, dataBytes: 1 }
  const gone = sources.map((id) => ({ op: 'delete', key: engineKeys.segment(id) }) as const)
  return [{ op: 'put', entry: { family: 'segment', row } }, ...gone]
}

/** Two sealed segments and an open one, in which `changes` stand, beside some copies. */
async function during(t: Test, copies: readonly SegmentImage[], changes: LoggedChange[] = []) {
  const data = await mkdtemp(join(tmpdir(), 'isthmus-autopsy-'))
  t.teardown(() => rm(data, { recursive: true, force: true }))
  for (const folder of ['log', 'snapshots']) await mkdir(join(data, folder))
  const sealed = [1, 2].map((id) => {
    const image = new SegmentImage(id, id)
    image.group([orders, run(7, id * 3 - 3), run(8, id * 3 - 3)])
    image.footer()
    return image
  })
  const open = new SegmentImage(3, 3)
  open.group([orders, run(7, 6), makeState(changes)])
  for (const image of [...sealed, open, ...copies])
    await writeFile(join(data, 'log', segmentFileName(image.segmentId)), image.bytes())
  return [...(await autopsy(data)).during]
}

t.test('a copy that is not in the live set yet', async (t) => {
  const whole = [orders, run(7, 0), run(8, 0)]
  t.same(await during(t, [copyOf(4, ...whole)]), ['copying'])
  t.same(await during(t, [copyOf(4, orders, run(8, 0))]), ['copying'], 'a queue of it was dead')
  const compacted = copyOf(4, stretch(0, 3), orders, run(7, 0, 2), run(8, 0))
  t.same(await during(t, [compacted]), ['compacting'])
  t.same(await during(t, [copyOf(4, stretch(0, 3))]), ['compacting'], 'it was just begun')
})

t.test('a copy whose sources are there still', async (t) => {
  const cleaned = copyOf(4, orders, run(7, 0), run(8, 0))
  t.same(await during(t, [cleaned], swap(4, 1)), ['swapping'])
  const compacted = copyOf(4, stretch(0, 3), orders, run(7, 0, 2), run(8, 0))
  t.same(await during(t, [compacted], swap(4, 1)), ['replacing'])
  const both = copyOf(4, orders, run(7, 0), run(7, 3), run(8, 0), run(8, 3))
  t.same(await during(t, [both], swap(4, 1, 2)), ['swapping'])
})

t.test('copies of what was compacted before', async (t) => {
  const before = copyOf(4, stretch(0, 3), orders, run(7, 0, 2), run(8, 0))
  const again = [stretch(0, 3), orders, run(7, 0, 1), run(8, 0)]
  const live = swap(4, 1)
  const hits = await during(t, [before, copyOf(5, stretch(0, 3), orders, run(7, 0, 2))], live)
  t.same(new Set(hits), new Set(['replacing', 'copying']), 'a cleaner takes it as it is')
  const more = await during(t, [before, copyOf(5, ...again)], live)
  t.same(new Set(more), new Set(['replacing', 'compacting']))
})
