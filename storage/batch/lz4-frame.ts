/**
 * LZ4 frames (LZ4 frame format 1.6.x), little endian: magic 0x184D2204, FLG, BD, optional content size (8) and
 * dictionary id (4), header checksum; blocks of length (4, top bit: stored as it is), data and optional checksum (4);
 * a length of 0 ends them; optional content checksum (4).
 *
 * The library reads only the first of several frames, takes a frame without its end for whole, and has no bound on
 * its output: so frames are taken apart here first, and handed to it one at a time.
 */
import { lz4Package } from './codec-packages.ts'
import { assertInflatedSize, corrupt, inflateAsyncFromBytes } from './compression-limits.ts'

const frameMagic = 0x184d2204
const storedBit = 0x80000000
const blockChecksumFlag = 0x10
const contentSizeFlag = 0x08
const contentChecksumFlag = 0x04
const dictionaryFlag = 0x01
/** By the three bits of BD. */
const blockBytesMax: readonly number[] = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304]

export async function inflateLz4(block: Buffer, bytesMax: number): Promise<Buffer> {
  const frames = framesOf(block, bytesMax)
  const parts: Buffer[] = []
  for (const frame of frames) {
    try {
      const sync = frame.length < inflateAsyncFromBytes
      parts.push(
        sync ? lz4Package().decompressFrameSync(frame) : await lz4Package().decompressFrame(frame)
      )
    } catch (error) {
      throw corrupt('no LZ4 frame', error)
    }
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function framesOf(block: Buffer, bytesMax: number): Buffer[] {
  const frames: Buffer[] = []
  let total = 0
  let at = 0
  do {
    const { end, inflated } = scanFrame(block, at, bytesMax - total)
    total += inflated
    frames.push(block.subarray(at, end))
    at = end
  } while (at < block.length)
  return frames
}

interface Block {
  readonly at: number
  readonly length: number
  readonly stored: boolean
}

/** Where the frame at `start` ends, and a bound on what it inflates to, which is at most `bytesMax`. */
function scanFrame(bytes: Buffer, start: number, bytesMax: number) {
  const need = (at: number, count: number) => {
    if (at + count > bytes.length) throw corrupt('an LZ4 frame is cut short')
  }
  need(start, 7)
  const flags = bytes[start + 4]!
  const blockMax = blockBytesMax[(bytes[start + 5]! >> 4) & 7]!
  if (bytes.readUInt32LE(start) !== frameMagic || flags >> 6 !== 1 || blockMax === 0) {
    throw corrupt('no LZ4 frame')
  }
  if ((flags & dictionaryFlag) !== 0) throw corrupt('an LZ4 frame with a dictionary')
  const checksumBytes = (flags & blockChecksumFlag) === 0 ? 0 : 4
  const blocks: Block[] = []
  let at = start + 7 + ((flags & contentSizeFlag) === 0 ? 0 : 8)
  for (;;) {
    need(at, 4)
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const stored = word >= storedBit
    const length = stored ? word - storedBit : word
    need(at, length + checksumBytes)
    blocks.push({ at, length, stored })
    at += length + checksumBytes
  }
  at += (flags & contentChecksumFlag) === 0 ? 0 : 4
  need(at, 0)
  return { end: at, inflated: boundOf(bytes, blocks, blockMax, bytesMax) }
}

function boundOf(bytes: Buffer, blocks: Block[], blockMax: number, bytesMax: number): number {
  let bound = 0
  for (const { length, stored } of blocks) {
    bound += stored ? length : Math.min(blockMax, length * 255)
  }
  if (bound <= bytesMax) return bound
  // Small blocks in a frame that declares large ones, or a bomb: worth the walk to know which.
  let exact = 0
  for (const { at, length, stored } of blocks) {
    exact += stored ? length : inflatedBytes(bytes, at, length)
    assertInflatedSize(exact, bytesMax)
  }
  return exact
}

/** Adds up the literals and matches of an LZ4 block without copying any. */
function inflatedBytes(bytes: Buffer, start: number, length: number): number {
  const end = start + length
  let total = 0
  let at = start
  while (at < end) {
    const token = bytes[at++]!
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255 && at < end) {
        more = bytes[at++]!
        literals += more
      }
    }
    total += literals
    at += literals + 2
    if (at >= end) break
    let match = (token & 15) + 4
    if (match === 19) {
      let more = 255
      while (more === 255 && at < end) {
        more = bytes[at++]!
        match += more
      }
    }
    total += match
  }
  return total
}
