/** From a sealed group to the buffers of one vectored write. */

import type { Catalog } from './catalog.ts'
import { keyExtension } from './key-hash.ts'
import { encodeDescription } from './layout/description.ts'
import { groupHeaderBytes } from './layout/format.ts'
import { writeGroupHeader } from './layout/group.ts'
import { runHeaderBytes, writeRunHeader } from './layout/run.ts'
import { encodeStateEntry } from './layout/state-entry.ts'
import type { Description, Extension, Resolved } from './layout/types.ts'
import type { SealedGroup, SealedRun } from './sealed-group.ts'

/** A batch below this is copied beside its run's header: fewer, larger pieces to write and to keep. */
const copyBytesBelow = 8 * 1024
/** A batch is also copied when it would keep memory of more than this many times its size alive. */
const retainedShareMax = 8

const noExtensions: readonly Extension[] = []

/** The lists that a run's header carries. */
function listsOf(run: SealedRun): {
  resolves: readonly Resolved[]
  extensions: readonly Extension[]
} {
  const extensions = run.keys.length === 0 ? noExtensions : [keyExtension(run.baseOffset, run.keys)]
  return { resolves: run.resolves, extensions }
}

export interface EncodedGroup {
  /** One after the other they are the group. The first starts with the group's header, which is not written yet. */
  readonly buffers: Buffer[]
  readonly bytes: number
  readonly entryCount: number
  /** For each run of the group: where its batches begin, from the group's start. */
  readonly runStarts: number[]
}

/** Lays out a group; `describe` are the topics whose first run in this segment it holds. */
export function encodeGroup(group: SealedGroup, describe: readonly Description[]): EncodedGroup {
  const entries: Buffer[] = []
  if (group.logged.length > 0) entries.push(encodeStateEntry(group.logged))
  for (const description of describe) entries.push(encodeDescription(description))

  let ownBytes = groupHeaderBytes
  for (const entry of entries) ownBytes += entry.length
  for (const run of group.runs) {
    ownBytes += runHeaderBytes(listsOf(run))
    for (const batch of run.batches) if (isCopied(batch)) ownBytes += batch.length
  }
  // One buffer of the group's own: in a group of small batches it is the whole group.
  const own = Buffer.allocUnsafeSlow(ownBytes)
  const out: Output = { own, at: groupHeaderBytes, cut: 0, buffers: [], bytes: groupHeaderBytes }
  for (const entry of entries) {
    entry.copy(own, out.at)
    out.at += entry.length
    out.bytes += entry.length
  }
  const runStarts = group.runs.map((run) => placeRun(run, group.appendTimeMs, out))
  if (out.at > out.cut) out.buffers.push(own.subarray(out.cut, out.at))
  const entryCount = entries.length + group.runs.length
  return { buffers: out.buffers, bytes: out.bytes, entryCount, runStarts }
}

/** Writes the group's header into the encoded group, now that its place in the log is known. */
export function stampGroup(
  encoded: EncodedGroup,
  group: SealedGroup,
  durableThrough: number,
  storeId: Buffer
): void {
  writeGroupHeader(
    encoded.buffers[0] as Buffer,
    0,
    {
      sequence: group.sequence,
      segmentId: group.segment,
      position: group.position,
      bytes: encoded.bytes,
      entryCount: encoded.entryCount,
      appendTimeMs: group.appendTimeMs,
      durableThrough
    },
    storeId
  )
}

interface Output {
  readonly own: Buffer
  at: number
  /** Start of what of `own` is not in `buffers` yet. */
  cut: number
  readonly buffers: Buffer[]
  bytes: number
}

function isCopied(batch: Buffer): boolean {
  return batch.length < copyBytesBelow || batch.length * retainedShareMax < batch.buffer.byteLength
}

/** Returns where the run's batches begin. */
function placeRun(run: SealedRun, appendTimeMs: number, out: Output): number {
  const written = writeRunHeader(
    out.own,
    out.at,
    {
      flags: run.flags,
      queue: run.queue.uid,
      baseOffset: run.baseOffset,
      recordCount: run.recordCount,
      batchCount: run.batches.length,
      batchBytes: run.bytes,
      appendTimeMs,
      maxTimestamp: run.maxTimestamp,
      ...listsOf(run)
    },
    run.batches
  )
  out.at += written
  out.bytes += written
  const start = out.bytes
  for (const [i, batch] of run.batches.entries()) {
    out.bytes += batch.length
    if (isCopied(batch)) {
      batch.copy(out.own, out.at)
      run.batches[i] = out.own.subarray(out.at, out.at + batch.length)
      out.at += batch.length
      continue
    }
    if (out.at > out.cut) out.buffers.push(out.own.subarray(out.cut, out.at))
    out.cut = out.at
    out.buffers.push(batch)
  }
  return start
}

/** Of topics whose first run in the segment, or since they got more queues, is in the group. */
export function newDescriptions(
  group: SealedGroup,
  described: ReadonlyMap<string, number>,
  catalog: Catalog
): Description[] {
  const descriptions = new Map<string, Description>()
  for (const { topicId } of group.runs) {
    if (descriptions.has(topicId)) continue
    const topic = catalog.sealedTopics.find({ id: topicId }) ?? catalog.topics.find({ id: topicId })
    if (topic === undefined || described.get(topicId) === topic.queues.length) continue
    const { kafka: kafkaName, rocketmq: rocketmqName } = topic.names
    descriptions.set(topicId, { topicId, kafkaName, rocketmqName, queues: topic.queues })
  }
  return [...descriptions.values()]
}
