/**
 * Zstandard frames (RFC 8878). Node's own decoder is used where there is one (from 22.15 on), else fzstd, which
 * trusts what a frame says of its sizes: so frames are measured here first, block by block, without decoding.
 */
import { setImmediate } from 'node:timers/promises'
import * as zlib from 'node:zlib'
import { decompress } from 'fzstd'
import { assertInflatedSize, corrupt, inflateAsyncFromBytes } from './compression-limits.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a5
const blockBytesMax = 131_072
const singleSegmentFlag = 0x20
const reservedFlag = 0x08
const checksumFlag = 0x04

type NodeInflate = (
  block: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, plain: Buffer) => void
) => void
const nodeInflate = (zlib as unknown as { zstdDecompress?: NodeInflate }).zstdDecompress

interface Frame {
  readonly bytes: Buffer
  /** At most this comes out of it. */
  readonly bound: number
}

export async function inflateZstd(block: Buffer, bytesMax: number): Promise<Buffer> {
  const frames = framesOf(block, bytesMax)
  const parts: Buffer[] = []
  let total = 0
  for (const frame of frames) {
    const plain = nodeInflate
      ? await inflateByNode(nodeInflate, frame.bytes, bytesMax)
      : await inflateByScript(frame)
    total += plain.length
    assertInflatedSize(total, bytesMax)
    parts.push(plain)
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function inflateByNode(inflate: NodeInflate, frame: Buffer, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    inflate(frame, { maxOutputLength: bytesMax }, (error, plain) => {
      if (error) reject(corrupt('no zstd frame', error))
      else resolve(plain)
    })
  })
}

async function inflateByScript(frame: Frame): Promise<Buffer> {
  // The library is synchronous: at least others get their turn between large frames.
  if (frame.bytes.length >= inflateAsyncFromBytes) await setImmediate()
  try {
    const plain = decompress(smallestWindow(frame))
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  } catch (error) {
    throw corrupt('no zstd frame', error)
  }
}

/**
 * The library allocates the window that a frame names and moves all of it for each block; a streaming writer names
 * 2 MiB and more even for a kilobyte. No match reaches back further than the output, so a copy names that.
 */
function smallestWindow(frame: Frame): Buffer {
  const { bytes, bound } = frame
  if ((bytes[4]! & singleSegmentFlag) !== 0) return bytes
  const exponent = Math.max(Math.ceil(Math.log2(Math.max(bound, blockBytesMax))) - 10, 7)
  const descriptor = exponent << 3
  if (bytes[5]! <= descriptor) return bytes
  const copy = Buffer.from(bytes)
  copy[5] = descriptor
  return copy
}

function framesOf(block: Buffer, bytesMax: number): Frame[] {
  const frames: Frame[] = []
  let total = 0
  let at = 0
  do {
    if (block.length - at < 8) throw corrupt('a zstd frame is cut short')
    const magic = block.readUInt32LE(at)
    if (magic >>> 4 === skippableMagic) {
      at += 8 + block.readUInt32LE(at + 4)
      if (at > block.length) throw corrupt('a zstd frame is cut short')
      continue
    }
    if (magic !== frameMagic) throw corrupt('no zstd frame')
    const { end, bound } = scanFrame(block, at)
    total += bound
    // A bound counts the last block as a full one; what really comes out is counted after it.
    assertInflatedSize(total - blockBytesMax, bytesMax)
    frames.push({ bytes: block.subarray(at, end), bound })
    at = end
  } while (at < block.length)
  return frames
}

function scanFrame(bytes: Buffer, start: number): { end: number; bound: number } {
  const flags = bytes[start + 4]!
  const single = (flags & singleSegmentFlag) !== 0
  if ((flags & reservedFlag) !== 0) throw corrupt('no zstd frame')
  if ((flags & 3) !== 0) throw corrupt('a zstd frame with a dictionary')
  const sizeBytes = flags >> 6 === 0 ? (single ? 1 : 0) : 1 << (flags >> 6)
  let at = start + (single ? 5 : 6)
  if (at + sizeBytes > bytes.length) throw corrupt('a zstd frame is cut short')
  const said = contentSize(bytes, at, sizeBytes)
  at += sizeBytes
  let bound = 0
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) throw corrupt('a zstd frame is cut short')
    const header = bytes.readUIntLE(at, 3)
    const size = header >> 3
    const type = (header >> 1) & 3
    last = (header & 1) === 1
    if (type === 3 || size > blockBytesMax) throw corrupt('a zstd block of no known kind')
    bound += type === 2 ? blockBytesMax : size
    at += 3 + (type === 1 ? 1 : size)
  }
  at += (flags & checksumFlag) === 0 ? 0 : 4
  if (at > bytes.length) throw corrupt('a zstd frame is cut short')
  if (said > bound) throw corrupt('a zstd frame cannot hold what it says')
  return { end: at, bound: said >= 0 ? said : bound }
}

/** -1: the frame does not say. */
function contentSize(bytes: Buffer, at: number, count: number): number {
  if (count === 0) return -1
  if (count === 8) return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 4294967296
  return bytes.readUIntLE(at, count) + (count === 2 ? 256 : 0)
}
