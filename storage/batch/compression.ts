/**
 * Inflating and deflating what follows a batch's header. Output is bounded before memory is spent on it; from
 * `inflateAsyncFromBytes` on the work leaves the event loop where the codec's library can.
 */

import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib'
import type { CodecName } from './attributes.ts'
import { lz4Package, snappyPackage } from './codec-packages.ts'
import {
  CompressionError,
  corrupt,
  inflateAsyncFromBytes,
  inflatedBytesMaxDefault
} from './compression-limits.ts'
import { inflateLz4 } from './lz4-frame.ts'
import { inflateSnappy } from './snappy-blocks.ts'
import { inflateZstd } from './zstd-frame.ts'

type NodeDeflate = (block: Buffer, done: (error: Error | null, deflated: Buffer) => void) => void
const nodeDeflateZstd = (zlib as unknown as { zstdCompress?: NodeDeflate }).zstdCompress

/** Rejects with CompressionError: 'corrupt', or 'too-large' for more than `bytesMax`. */
export async function inflate(
  codec: CodecName,
  block: Buffer,
  bytesMax = inflatedBytesMaxDefault
): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return block
    case 'gzip':
      return await inflateGzip(block, bytesMax)
    case 'snappy':
      return await inflateSnappy(block, bytesMax)
    case 'lz4':
      return await inflateLz4(block, bytesMax)
    case 'zstd':
      return await inflateZstd(block, bytesMax)
  }
}

/** Throws CompressionError 'unsupported' for zstd on a Node without it. Snappy is one raw block. */
export function deflateSync(codec: CodecName, block: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return block
    case 'gzip':
      return gzipSync(block)
    case 'snappy':
      return snappyPackage().compressSync(block)
    case 'lz4':
      return lz4Package().compressFrameSync(block)
    case 'zstd': {
      const deflate = (zlib as unknown as { zstdCompressSync?: (block: Buffer) => Buffer })
        .zstdCompressSync
      if (!deflate) throw new CompressionError('unsupported', 'this Node cannot write zstd')
      return deflate(block)
    }
  }
}

/**
 * Deflates off the event loop what is large. zstd becomes gzip on a Node that cannot write it: whoever reads the one
 * reads the other.
 */
export async function deflate(
  codec: CodecName,
  block: Buffer
): Promise<{ readonly codec: CodecName; readonly block: Buffer }> {
  if (codec === 'zstd' && nodeDeflateZstd === undefined) return await deflate('gzip', block)
  if (block.length < inflateAsyncFromBytes) return { codec, block: deflateSync(codec, block) }
  switch (codec) {
    case 'none':
      return { codec, block }
    case 'gzip':
      return { codec, block: await promisify(gzip)(block) }
    case 'snappy':
      return { codec, block: await snappyPackage().compress(block) }
    case 'lz4':
      return { codec, block: await lz4Package().compressFrame(block) }
    case 'zstd':
      return { codec, block: await promisify(nodeDeflateZstd as NodeDeflate)(block) }
  }
}

function inflateGzip(block: Buffer, bytesMax: number): Promise<Buffer> {
  const options = { maxOutputLength: bytesMax }
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      const text = `inflates to more than ${bytesMax} bytes`
      reject(
        large
          ? new CompressionError('too-large', text, { cause: error })
          : corrupt('no gzip stream', error)
      )
    }
    if (block.length >= inflateAsyncFromBytes) {
      gunzip(block, options, (error, plain) => (error ? fail(error) : resolve(plain)))
      return
    }
    try {
      resolve(gunzipSync(block, options))
    } catch (error) {
      fail(error)
    }
  })
}
