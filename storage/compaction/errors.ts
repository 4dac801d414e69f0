import { CompressionError } from '../batch/compression-limits.ts'
import type { QueueUid } from '../contract.ts'

/** A queue that cannot be compacted: one of its batches cannot be taken apart, or a segment is damaged. */
export class UncleanableError extends Error {
  readonly queue: QueueUid

  constructor(queue: QueueUid, cause: Error) {
    super(cause.message, { cause })
    this.name = 'UncleanableError'
    this.queue = queue
  }
}

/** Whatever is wrong with batches is wrong with their queue. */
export async function uncleanable<T>(queue: QueueUid, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CompressionError) throw new UncleanableError(queue, error)
    throw error
  }
}
