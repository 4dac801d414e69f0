/**
 * Gives up what damage has taken, so that the rest can be had: each damaged segment is written anew without it, with
 * empty batches for the lost offsets, and takes its place in the live set. As with the cleaner's copies, what is cut off
 * before the swap is durable leaves a stray, and what is cut off after it the next open makes good.
 */
import type { Catalog } from '../catalog.ts'
import type { QueueUid } from '../contract.ts'
import { moveIndex } from '../index-move.ts'
import { segmentHeaderBytes } from '../layout/format.ts'
import type { ScannedRun } from '../layout/group-entries.ts'
import { type ScannedGroup, scanSegment } from '../layout/scan.ts'
import { segmentFileName } from '../layout/segment.ts'
import type { Stretch } from '../layout/stretches.ts'
import type { File } from '../ports.ts'
import { raiseEpochs } from '../raise-epochs.ts'
import { type PlacedRun, placedRunOf } from '../segment-copy.ts'
import { raiseFloor } from '../snapshot-floor.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import type { StoreTools } from '../store-parts.ts'
import { CopyWriter } from './copy-writer.ts'
import { encodeRun, fillerBatches } from './filler.ts'
import { type DamagedSegment, type Hole, surveyDamage } from './survey.ts'

/** Records that are given up: offsets of a queue, both inclusive. */
export interface LostRecords {
  readonly topic: string
  readonly queue: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly segment: number
}

export interface GivenUp {
  /** Segments that were written anew. */
  readonly segments: readonly number[]
  /** Those of them whose file was not there. */
  readonly missing: readonly number[]
  readonly lost: readonly LostRecords[]
}

/** A run of the new segment. */
interface NewRun {
  readonly run: PlacedRun
  /** Undefined: as it is where `run` says. */
  readonly entry: Buffer | undefined
}

/** Rejects with StoreError, and with what the file system rejects with. */
export async function giveUpDamage(parts: StoreTools): Promise<GivenUp> {
  const { catalog, log, engine, upkeep } = parts
  const storeId = Buffer.from(parts.info.storeId, 'hex')
  if ((await surveyDamage({ ...parts, storeId })).length === 0)
    return { segments: [], missing: [], lost: [] }
  if (log.segment.lastGroupPosition >= 0) await upkeep({ dropSegments: [], roll: true })
  const damaged = await surveyDamage({ ...parts, storeId })
  // State entries are not copied.
  const through = Math.max(...damaged.map(({ row }) => row.lastSequence))
  if (!(await raiseFloor(parts, through))) throw new Error('no snapshot could be written')
  const lost: LostRecords[] = []
  for (const one of damaged) {
    for (const hole of [...one.badBatches.values(), ...one.gaps]) {
      const named = nameOf(catalog, hole, one.row.id)
      if (named === undefined) continue
      lost.push(named)
      // Before it is done: should this be cut off, nobody finds it again.
      parts.logSink('warn', 'records-given-up', { ...named })
    }
    await replace(parts, storeId, one)
  }
  if (lost.length > 0) await raiseEpochs(engine, catalog.queues.values())
  return {
    segments: damaged.map(({ row }) => row.id),
    missing: damaged.filter(({ isMissing }) => isMissing).map(({ row }) => row.id),
    lost: lost.sort(byPlace)
  }
}

function byPlace(a: LostRecords, b: LostRecords): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.queue - b.queue || a.firstOffset - b.firstOffset
}

function nameOf(catalog: Catalog, hole: Hole, segment: number): LostRecords | undefined {
  const queue = catalog.queues.get(hole.queue)
  const topic = queue && catalog.topics.find({ id: queue.topicId })
  const from = Math.max(hole.from, queue?.logStart ?? 0)
  if (queue === undefined || topic === undefined || from >= hole.to) return undefined
  if (hole.isCompacted === true) return undefined
  const place = { topic: topic.names.kafka, queue: queue.index, segment }
  return { ...place, firstOffset: from, lastOffset: hole.to - 1 }
}

async function replace(parts: StoreTools, storeId: Buffer, damaged: DamagedSegment): Promise<void> {
  const { catalog, usage, db, files, index, checkpointer, upkeep, fileSystem, logFolder } = parts
  const { row } = damaged
  const id = catalog.counters.nextSegmentId
  catalog.counters = { ...catalog.counters, nextSegmentId: id + 1 }
  const { isEmpty, dataBytes } = await copy(parts, storeId, damaged, id)
  await checkpointer.hold()
  try {
    const { firstSequence, lastSequence } = row
    const addSegment: SegmentRow = { id, firstSequence, lastSequence, dataBytes }
    await upkeep({ dropSegments: [row.id], roll: false, ...(isEmpty ? {} : { addSegment }) })
    const source = { fileSystem, folder: logFolder, storeId, db }
    if (!isEmpty) await moveIndex(source, catalog, id, (queue) => index.forget(queue))
  } finally {
    checkpointer.release()
  }
  usage.forget(row.id)
  await db.dropUsage(row.id)
  if (!damaged.isMissing) await files.remove(row.id)
  if (isEmpty) await files.remove(id)
  await fileSystem.syncFolder(logFolder)
}

/** Makes the new segment, durable. `isEmpty`: nothing of the old one can be read, so that it only goes. */
async function copy(
  parts: StoreTools,
  storeId: Buffer,
  damaged: DamagedSegment,
  id: number
): Promise<{ isEmpty: boolean; dataBytes: number }> {
  if (damaged.isMissing)
    return await write(parts, storeId, id, {
      kept: fillersOf(parts.catalog, damaged.gaps),
      stretches: [],
      source: undefined
    })
  const { fileSystem, logFolder } = parts
  const source = await fileSystem.open(`${logFolder}/${segmentFileName(damaged.row.id)}`, 'read')
  try {
    const left = await survivors(parts, storeId, damaged, source)
    return await write(parts, storeId, id, { ...left, source })
  } finally {
    await source.close()
  }
}

/** What the new segment is to hold, by queue and offset. */
interface Content {
  readonly kept: readonly NewRun[]
  readonly stretches: readonly Stretch[]
  /** Where runs are that stay as they are. */
  readonly source: File | undefined
}

async function write(
  { catalog, usage, fileSystem, logFolder: folder, clock }: StoreTools,
  storeId: Buffer,
  id: number,
  { kept, stretches, source }: Content
): Promise<{ isEmpty: boolean; dataBytes: number }> {
  const createdMs = clock.now()
  const writer = await CopyWriter.begin({ fileSystem, folder, storeId, catalog, id, createdMs })
  try {
    const runs: PlacedRun[] = []
    await writer.stretches(stretches)
    for (const { run, entry } of kept)
      runs.push(await writer.add(run, entry ?? (await entryOf(run, source))))
    const dataBytes = await writer.finish()
    usage.begin(id)
    for (const run of runs) usage.add(id, run.queue, run)
    for (const stretch of stretches) usage.cover(id, stretch)
    return { isEmpty: runs.length === 0 && stretches.length === 0, dataBytes }
  } finally {
    await writer.close()
  }
}

async function entryOf(
  { entryPosition, headerBytes, bytes }: PlacedRun,
  source: File | undefined
): Promise<Buffer> {
  if (source === undefined) throw new Error('there is nothing to copy from')
  return await readExactly(source, entryPosition, headerBytes + bytes)
}

/** What of the segment can be read, and what stands for the rest, by queue and offset. */
async function survivors(
  { catalog }: StoreTools,
  storeId: Buffer,
  { row, badBatches, gaps }: DamagedSegment,
  source: File
): Promise<{ kept: NewRun[]; stretches: Stretch[] }> {
  const scanned: ScannedRun[] = []
  const stretches: Stretch[] = []
  const durableThrough = Number.MAX_SAFE_INTEGER
  const place = { storeId, segmentId: row.id, position: segmentHeaderBytes, durableThrough }
  await scanSegment(source, place, {
    group: ({ entries }: ScannedGroup) => {
      for (const entry of entries)
        if (entry.kind === 'run') scanned.push(entry)
        else if (entry.kind === 'stretches') stretches.push(...entry.stretches)
    }
  })
  const kept: NewRun[] = []
  for (const one of scanned) {
    const run = placedRunOf(one)
    if (run === undefined || !catalog.isNeeded(run.queue, run.baseOffset, run.nextOffset)) continue
    const isSound = !one.batches.some(({ position }) => badBatches.has(position))
    kept.push(isSound ? { run, entry: undefined } : await withoutBad(one, run, badBatches, source))
  }
  kept.push(...fillersOf(catalog, gaps))
  kept.sort(byOffset)
  return { kept, stretches: stretches.filter(({ queue }) => catalog.queues.has(queue)) }
}

function fillersOf(catalog: Catalog, gaps: readonly Hole[]): NewRun[] {
  const known = gaps.filter(({ queue }) => catalog.queues.has(queue))
  return known.map((gap) => filled(catalog, gap)).sort(byOffset)
}

function byOffset({ run: a }: NewRun, { run: b }: NewRun): number {
  return a.queue - b.queue || a.baseOffset - b.baseOffset
}

/** The run with an empty batch for each damaged one. */
async function withoutBad(
  { run: header, batches }: ScannedRun,
  run: PlacedRun,
  badBatches: DamagedSegment['badBatches'],
  source: File
): Promise<NewRun> {
  const kept: Buffer[] = []
  let nextOffset = run.nextOffset
  let recordCount = 0
  let maxTimestamp = -1
  for (const batch of batches) {
    const hole = badBatches.get(batch.position)
    if (hole === undefined) {
      kept.push(await readExactly(source, batch.position, batch.bytes))
      nextOffset = batch.baseOffset + batch.lastOffsetDelta + 1
      recordCount += batch.recordCount
      maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp)
    } else {
      nextOffset = hole.to
      kept.push(...fillerBatches(batch.baseOffset, hole.to, batch.leaderEpoch))
    }
  }
  const entry = encodeRun({ ...header, recordCount, maxTimestamp }, kept)
  const bytes = kept.reduce((sum, batch) => sum + batch.length, 0)
  const headerBytes = entry.length - bytes
  return { run: { ...run, nextOffset, bytes, headerBytes, maxTimestamp }, entry }
}

/** A run of nothing, for runs that are gone. */
function filled(catalog: Catalog, { queue, from, to, appendTimeMs }: Hole): NewRun {
  const batches = fillerBatches(from, to, epochAt(catalog, queue, from))
  const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
  const header = {
    flags: 0,
    queue,
    baseOffset: from,
    recordCount: 0,
    appendTimeMs,
    maxTimestamp: -1,
    resolves: [],
    extensions: []
  }
  const entry = encodeRun(header, batches)
  const place = { segment: 0, entryPosition: 0, headerBytes: entry.length - bytes }
  const times = { appendTimeMs, maxTimestamp: -1, flags: 0 }
  return { run: { queue, baseOffset: from, nextOffset: to, bytes, ...place, ...times }, entry }
}

function epochAt(catalog: Catalog, queue: QueueUid, offset: number): number {
  const epochs = catalog.queues.get(queue)?.epochs ?? []
  return epochs.findLast(({ startOffset }) => startOffset <= offset)?.epoch ?? 0
}

async function readExactly(source: File, position: number, length: number): Promise<Buffer> {
  const target = Buffer.allocUnsafe(length)
  const got = await source.read(target, 0, length, position)
  if (got !== length) throw new Error('the segment ends within a run')
  return target
}
