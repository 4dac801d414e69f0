import { LayoutError } from './layout-error.ts'

const twoTo32 = 2 ** 32

/** Writes a safe integer as 8 bytes; throws RangeError for anything else, a programmer's error. */
export function writeInt64(target: Buffer, at: number, value: number): void {
  // Not assert(): its text would be made at every call.
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`)
  const high = Math.floor(value / twoTo32)
  target.writeInt32BE(high, at)
  target.writeUInt32BE(value - high * twoTo32, at + 4)
}

/** Reads 8 bytes that must be a safe integer; throws LayoutError 'malformed'. */
export function readInt64(bytes: Buffer, at: number): number {
  const value = approximateInt64(bytes, at)
  if (!Number.isSafeInteger(value)) {
    throw new LayoutError('malformed', `the integer at byte ${at} is out of range`)
  }
  return value
}

/** Reads 8 bytes to the nearest number: for what clients chose (timestamps), where any value may stand. */
export function approximateInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * twoTo32 + bytes.readUInt32BE(at + 4)
}

export function isSafeInt64(bytes: Buffer, at: number): boolean {
  return Number.isSafeInteger(approximateInt64(bytes, at))
}
