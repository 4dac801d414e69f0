/**
 * Where a message is, as one number (RocketMQ's commitLogOffset, in message ids, send-backs and half commits): the
 * queue's uid in 24 bits over the low 39 bits of its offset. It finds its record without an index, and whatever a
 * cleaner moves; the offset's high bits come from the queue's live window, which is far smaller than 2^39.
 */
import type { QueueUid } from '../../../storage/contract.ts'

const offsetBits = 39n
const offsetSpan = 2 ** 39
const queueUidEnd = 2 ** 24

/** 0 to 2^63 - 1. `queue` is below 2^24. */
export function physicalOffsetOf(queue: QueueUid, offset: number): bigint {
  return (BigInt(queue) << offsetBits) | BigInt(offset % offsetSpan)
}

export interface PhysicalPlace {
  readonly queue: QueueUid
  /** The offset modulo 2^39. */
  readonly lowOffset: number
}

/** Undefined for a number that no record has: negative, or of queue 0. */
export function physicalPlaceOf(physicalOffset: bigint): PhysicalPlace | undefined {
  const queue = Number(physicalOffset >> offsetBits)
  if (queue <= 0 || queue >= queueUidEnd) return undefined
  return { queue, lowOffset: Number(BigInt.asUintN(39, physicalOffset)) }
}

/** The queue's offset in [logStartOffset, highWatermark) with these low bits; undefined if there is none. */
export function offsetInWindow(
  lowOffset: number,
  window: { readonly logStartOffset: number; readonly highWatermark: number }
): number | undefined {
  const { logStartOffset, highWatermark } = window
  let offset = logStartOffset - (logStartOffset % offsetSpan) + lowOffset
  if (offset < logStartOffset) offset += offsetSpan
  return offset < highWatermark ? offset : undefined
}
