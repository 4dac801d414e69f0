import { ProtocolError } from './protocol-error.ts'

/** The most bytes that an unsigned varint of 32 bits takes. */
export const unsignedVarintBytesMax = 5

/** How many bytes `value` (0 to 2^32 - 1) takes as an unsigned varint. */
export function unsignedVarintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  return 5
}

/**
 * Writes `value` (0 to 2^32 - 1) at `position`, where there must be room; returns the position
 * after it.
 */
export function putUnsignedVarint(target: Uint8Array, position: number, value: number): number {
  let at = position
  let rest = value
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest = rest >>> 7
  }
  target[at++] = rest
  return at
}

/**
 * A place in a buffer that moves on as it is read; `end` is the first byte that is out of bounds.
 */
export type Cursor = { readonly buffer: Uint8Array; position: number; readonly end: number }

/**
 * Reads an unsigned varint of at most 32 bits and moves on. Throws ProtocolError on a longer or a
 * cut one.
 */
export function takeUnsignedVarint(cursor: Cursor): number {
  const { buffer, end } = cursor
  let at = cursor.position
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw new ProtocolError('frame ends inside a varint')
    const byte = buffer[at++]!
    if (shift === 28 && byte > 0x0f) break
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.position = at
      return value >>> 0
    }
  }
  throw new ProtocolError('varint of more than 32 bits')
}
