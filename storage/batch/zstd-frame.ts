/**
 * Zstandard frames (RFC 8878). Node's own decoder is used where there is one (from 22.15 on), else ours. Frames are
 * measured first, block by block, without decoding.
 */
import * as zlib from 'node:zlib'
import { assertInflatedSize, corrupt } from './compression-limits.ts'
import { blockBytesMax, decodeBlocks } from './zstd-blocks.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a5
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
  /** Where its first block begins. */
  readonly blocksAt: number
  /** At most this comes out of it. */
  readonly bound: number
  /** It says that exactly so much does. */
  readonly isExact: boolean
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

async function inflateByScript({ bytes, blocksAt, bound, isExact }: Frame): Promise<Buffer> {
  const plain = await decodeBlocks(bytes, blocksAt, bound)
  if (isExact && plain.length !== bound) throw corrupt('a zstd frame is not what it says')
  return plain
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
    const { end, blocksAt, bound, isExact } = scanFrame(block, at)
    total += bound
    // A bound counts the last block as a full one; what really comes out is counted after it.
    assertInflatedSize(total - blockBytesMax, bytesMax)
    const bytes = block.subarray(at, end)
    frames.push({ bytes, blocksAt: blocksAt - at, bound, isExact })
    at = end
  } while (at < block.length)
  return frames
}

function scanFrame(bytes: Buffer, start: number) {
  const flags = bytes[start + 4]!
  const single = (flags & singleSegmentFlag) !== 0
  if ((flags & reservedFlag) !== 0) throw corrupt('no zstd frame')
  if ((flags & 3) !== 0) throw corrupt('a zstd frame with a dictionary')
  const sizeBytes = flags >> 6 === 0 ? (single ? 1 : 0) : 1 << (flags >> 6)
  let at = start + (single ? 5 : 6)
  if (at + sizeBytes > bytes.length) throw corrupt('a zstd frame is cut short')
  const said = contentSize(bytes, at, sizeBytes)
  at += sizeBytes
  const blocksAt = at
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
  return { end: at, blocksAt, bound: said >= 0 ? said : bound, isExact: said >= 0 }
}

/** -1: the frame does not say. */
function contentSize(bytes: Buffer, at: number, count: number): number {
  if (count === 0) return -1
  if (count === 8) return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 4294967296
  return bytes.readUIntLE(at, count) + (count === 2 ? 256 : 0)
}
