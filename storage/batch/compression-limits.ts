/** Bounds on what decompression may cost, and the error that says one was met. */
import { CodedError } from '../coded-error.ts'

/** What one batch may inflate to unless the caller says otherwise. */
export const inflatedBytesMaxDefault = 64 * 1024 * 1024
/** From this size of input on, work leaves the event loop (or, where a library cannot, yields to it). */
export const inflateAsyncFromBytes = 64 * 1024

export type CompressionErrorCode =
  /** Not what the codec writes, or cut short. */
  | 'corrupt'
  /** Inflates to more than allowed: refused before memory is spent. */
  | 'too-large'
  /** This Node cannot write the codec. */
  | 'unsupported'

export class CompressionError extends CodedError<CompressionErrorCode> {}

export function assertInflatedSize(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) {
    throw new CompressionError('too-large', `inflates to ${bytes} bytes, allowed are ${bytesMax}`)
  }
}

export function corrupt(text: string, cause?: unknown): CompressionError {
  return new CompressionError('corrupt', text, cause === undefined ? undefined : { cause })
}
