/**
 * Snappy as Kafka clients write it: one raw block (librdkafka, Go), or snappy-java's stream of them (Java,
 * SnappyOutputStream), big endian:
 *
 * | at | bytes | field |
 * |---|---|---|
 * | 0 | 8 | 0x82 "SNAPPY" 0x00 |
 * | 8 | 4 | version |
 * | 12 | 4 | lowest compatible version |
 * | 16 | | blocks: length (4), then a raw block |
 */
import { snappyPackage } from './codec-packages.ts'
import { assertInflatedSize, corrupt, inflateAsyncFromBytes } from './compression-limits.ts'

export const javaSnappyMagic = Buffer.from('82534e4150505900', 'hex')
export const javaSnappyHeaderBytes = 16

export async function inflateSnappy(block: Buffer, bytesMax: number): Promise<Buffer> {
  const blocks = isJavaStream(block) ? javaBlocks(block) : [block]
  let total = 0
  for (const one of blocks) {
    total += inflatedBytes(one)
    assertInflatedSize(total, bytesMax)
  }
  const parts: Buffer[] = []
  for (const one of blocks) parts.push(await inflateBlock(one))
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

async function inflateBlock(block: Buffer): Promise<Buffer> {
  try {
    const plain =
      block.length < inflateAsyncFromBytes
        ? snappyPackage().uncompressSync(block)
        : await snappyPackage().uncompress(block)
    return plain as Buffer
  } catch (error) {
    throw corrupt('no snappy block', error)
  }
}

function isJavaStream(block: Buffer): boolean {
  return (
    block.length >= javaSnappyHeaderBytes &&
    block.compare(javaSnappyMagic, 0, javaSnappyMagic.length, 0, javaSnappyMagic.length) === 0
  )
}

function javaBlocks(stream: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  let at = javaSnappyHeaderBytes
  while (at < stream.length) {
    const length = stream.length - at < 4 ? -1 : stream.readInt32BE(at)
    const end = at + 4 + length
    if (length < 1 || end > stream.length) throw corrupt('a snappy stream is cut short')
    blocks.push(stream.subarray(at + 4, end))
    at = end
  }
  return blocks
}

/**
 * What a raw block says it inflates to (a little-endian base-128 number in front). The library allocates that
 * much, so a size that snappy cannot reach (a three-byte element gives 64 bytes at most) is refused here.
 */
function inflatedBytes(block: Buffer): number {
  let value = 0
  for (let index = 0; index < Math.min(block.length, 5); index++) {
    const byte = block[index]!
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) {
      if (value > (block.length * 64) / 2) throw corrupt('a snappy block cannot hold what it says')
      return value
    }
  }
  throw corrupt('no snappy block')
}
