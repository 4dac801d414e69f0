import type { File } from '../ports.ts'
import { footerMagic, groupHeaderBytes, groupMagic, segmentFooterBytes } from './format.ts'
import { readGroupHeader } from './group.ts'
import { decodeSegmentFooter } from './segment.ts'
import type { GroupHeader, SegmentFooter } from './types.ts'

const searchChunkBytes = 1024 * 1024
const zeros = Buffer.alloc(searchChunkBytes)
const groupMark = markOf(groupMagic)
const footerMark = markOf(footerMagic)

export interface SearchRequest {
  readonly file: File
  /** Looks at positions from here ... */
  readonly from: number
  /** ... to here, the file's size. */
  readonly end: number
  readonly storeId: Buffer
  readonly segmentId: number
  /** Groups before this sequence are none of the log (left over from before a cut) and not found. */
  readonly minSequence: number
}

export interface SearchResult {
  /** The first group header or footer that holds at its place. */
  readonly first?: { readonly position: number; readonly sequence: number } | undefined
  /** The greatest sequence that any of them proves durable; -1 if there is none. */
  readonly durableThrough: number
  /** A footer was found: the segment was sealed behind `from`. */
  readonly sealed: boolean
  /** After the last byte that is not zero; `from` if all are. Exact only if nothing was found. */
  readonly dataEnd: number
}

/**
 * Looks for group headers and footers behind a bad group. Their CRC covers store, segment and position, so nothing
 * that a record happens to contain is taken for one. Stops once it has a first and a proof that reaches `minSequence`.
 */
export async function searchForward(request: SearchRequest): Promise<SearchResult> {
  const { file, from, end, minSequence } = request
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(searchChunkBytes, end - from)))
  let first: Mark | undefined
  let durableThrough = -1
  let sealed = false
  let dataEnd = from
  let position = from
  while (position < end) {
    const length = await readFully(file, bytes, Math.min(bytes.length, end - position), position)
    if (length === 0) break
    const chunk = bytes.subarray(0, length)
    if (!chunk.equals(zeros.subarray(0, length))) {
      dataEnd = position + lastNonZero(chunk) + 1
      for (const found of marksIn(chunk, position, request)) {
        first = first === undefined || found.position < first.position ? found : first
        durableThrough = Math.max(durableThrough, found.durableThrough)
        sealed ||= found.footer
      }
      if (first !== undefined && durableThrough >= minSequence) break
    }
    if (position + length >= end) break
    // Overlap, so that a header across two chunks is seen whole in the second.
    position += length > groupHeaderBytes ? length - groupHeaderBytes + 1 : length
  }
  return { first, durableThrough, sealed, dataEnd }
}

interface Mark {
  readonly position: number
  readonly sequence: number
  readonly durableThrough: number
  readonly footer: boolean
}

function* marksIn(chunk: Buffer, start: number, request: SearchRequest): Generator<Mark> {
  for (let at = chunk.indexOf(groupMark); at >= 0; at = chunk.indexOf(groupMark, at + 1)) {
    const place = { ...placeOf(request), position: start + at }
    const header = readGroupHeader(chunk, at, place)
    if (header !== undefined && header.sequence >= request.minSequence) {
      const { position, sequence } = header
      yield { position, sequence, durableThrough: provenBy(header), footer: false }
    }
  }
  for (let at = chunk.indexOf(footerMark); at >= 0; at = chunk.indexOf(footerMark, at + 1)) {
    const place = { ...placeOf(request), position: start + at }
    const footer = decodeSegmentFooter(chunk.subarray(at, at + segmentFooterBytes), place)
    if (footer !== undefined && footer.lastSequence >= request.minSequence - 1) {
      yield footerMarkOf(footer)
    }
  }
}

/** A header cannot vouch for its own group, whatever it says. */
export function provenBy(header: GroupHeader): number {
  return Math.min(header.durableThrough, header.sequence - 1)
}

/** A footer is written once all groups before it are durable; the group after them would be in another segment. */
function footerMarkOf(footer: SegmentFooter): Mark {
  const { position, lastSequence } = footer
  return { position, sequence: lastSequence + 1, durableThrough: lastSequence, footer: true }
}

function placeOf(request: SearchRequest): { storeId: Buffer; segmentId: number } {
  return { storeId: request.storeId, segmentId: request.segmentId }
}

function lastNonZero(chunk: Buffer): number {
  let at = chunk.length - 1
  while (at >= 0 && chunk[at] === 0) at--
  return at
}

async function readFully(file: File, target: Buffer, length: number, position: number) {
  let done = 0
  while (done < length) {
    const read = await file.read(target, done, length - done, position + done)
    if (read === 0) break
    done += read
  }
  return done
}

function markOf(magic: number): Buffer {
  const mark = Buffer.alloc(4)
  mark.writeUInt32BE(magic)
  return mark
}
