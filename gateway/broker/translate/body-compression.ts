/** Bodies compressed by RocketMQ's clients (ZlibCompressor, Lz4Compressor, ZstdCompressor). */
import { inflateSync, inflate as inflateZlib } from 'node:zlib'
import { inflate } from '../../../storage/batch/compression.ts'
import {
  CompressionError,
  corrupt,
  inflateAsyncFromBytes
} from '../../../storage/batch/compression-limits.ts'
import { bodyCodecOf } from './sys-flags.ts'

/**
 * The body as its sender had it. Rejects with CompressionError: 'too-large' for more than `bytesMax`, 'corrupt' for
 * what is not what the sysFlag says.
 */
export async function inflateBody(
  body: Buffer,
  sysFlag: number,
  bytesMax: number
): Promise<Buffer> {
  const codec = bodyCodecOf(sysFlag)
  switch (codec) {
    case undefined:
      throw corrupt(`sysFlag ${sysFlag} names no compression`)
    case 'none':
      return body
    case 'zlib':
      return await inflateZlibBody(body, bytesMax)
    default:
      return await inflate(codec, body, bytesMax)
  }
}

function inflateZlibBody(body: Buffer, bytesMax: number): Promise<Buffer> {
  const options = { maxOutputLength: bytesMax }
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const large = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      const text = `inflates to more than ${bytesMax} bytes`
      reject(large ? new CompressionError('too-large', text) : corrupt('no zlib stream', error))
    }
    if (body.length >= inflateAsyncFromBytes) {
      inflateZlib(body, options, (error, plain) => (error ? fail(error) : resolve(plain)))
      return
    }
    try {
      resolve(inflateSync(body, options))
    } catch (error) {
      fail(error)
    }
  })
}
