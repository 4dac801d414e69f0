/** 64-bit integers of the store's own records, which are safe ones or damage. */
import { approximateInt64, writeApproximateInt64 } from '../batch/int64.ts'
import { LayoutError } from './layout-error.ts'

export { approximateInt64 }

/** Writes a safe integer as 8 bytes; throws RangeError for anything else, a programmer's error. */
export function writeInt64(target: Buffer, at: number, value: number): void {
  // Not assert(): its text would be made at every call.
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`)
  writeApproximateInt64(target, at, value)
}

/** Reads 8 bytes that must be a safe integer; throws LayoutError 'malformed'. */
export function readInt64(bytes: Buffer, at: number): number {
  const value = approximateInt64(bytes, at)
  if (!Number.isSafeInteger(value)) {
    throw new LayoutError('malformed', `the integer at byte ${at} is out of range`)
  }
  return value
}

export function isSafeInt64(bytes: Buffer, at: number): boolean {
  return Number.isSafeInteger(approximateInt64(bytes, at))
}
