import { createHash } from 'node:crypto'
import { ofPartition, partitionCount, type RecordTraits } from './records.ts'
import type { WireBytes, WireRecord } from './wire.ts'

/** Values longer than this are compared, and shown, by their SHA-256. */
const shownBytesMax = 64

/** A record as a failed assertion should show it. */
function shown(bytes: WireBytes): string | null {
  if (bytes === null) return null
  const raw = Buffer.from(bytes, 'base64')
  if (raw.length <= shownBytesMax) return `${raw.length} bytes: ${raw.toString('latin1')}`
  return `${raw.length} bytes: sha256 ${createHash('sha256').update(raw).digest('hex')}`
}

export interface ShownRecord {
  offset: number
  timestamp: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

function show(record: WireRecord, offset: number, traits: RecordTraits): ShownRecord {
  return {
    offset,
    timestamp: traits.timestamps ? record.timestamp : 0,
    key: shown(record.key),
    value: shown(record.value),
    headers: record.headers.map(([name, value]) => [name, shown(value)])
  }
}

/**
 * What each partition must hold: the records sent to it, in the order sent, at dense offsets from `firstOffsets`
 * (default 0).
 */
export function expected(
  sent: readonly WireRecord[],
  traits: RecordTraits,
  firstOffsets: Record<string, number> = {}
): ShownRecord[][] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    ofPartition(sent, partition).map((record, i) =>
      show(record, (firstOffsets[partition] ?? 0) + i, traits)
    )
  )
}

/** What a reader got, by partition, in the order it got it. */
export function got(read: readonly WireRecord[], traits: RecordTraits): ShownRecord[][] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    ofPartition(read, partition).map((record) => show(record, record.offset, traits))
  )
}

/** The offsets that the records of one produce call must get, in the order sent. */
export function offsetsFrom(
  sent: readonly WireRecord[],
  firstOffsets: Record<string, number> = {}
): number[] {
  const next = { ...firstOffsets }
  return sent.map(({ partition }) => {
    const offset = next[partition] ?? 0
    next[partition] = offset + 1
    return offset
  })
}

/**
 * What was given, less what was given again unchanged. A repeat with other content stays, so that the comparison
 * shows it.
 */
export function withoutRepeats(records: readonly WireRecord[]): WireRecord[] {
  const seen = new Map<string, string>()
  return records.filter((record) => {
    const at = `${record.partition}:${record.offset}`
    const content = JSON.stringify(record)
    const repeated = seen.get(at) === content
    seen.set(at, content)
    return !repeated
  })
}
