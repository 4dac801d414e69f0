/** Up to here a loop is faster than `Buffer.copy`, which makes a slice first (Node 20). */
const loopBytesMax = 64

/** Copies `from[start, end)` to `target` at `at`; returns where the next byte goes. */
export function copyBytes(
  target: Buffer,
  at: number,
  from: Buffer,
  start = 0,
  end = from.length
): number {
  if (end - start > loopBytesMax) return at + from.copy(target, at, start, end)
  for (let i = start; i < end; i++) target[at++] = from[i]!
  return at
}

/** Whether what is in `bytes` at `at` begins with `wanted`: for a few bytes, for which a call costs more than a loop. */
export function equalsAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}
