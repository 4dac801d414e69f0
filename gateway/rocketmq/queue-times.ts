/** When messages were stored, for tools that show it. */
import type { QueueUid } from '../../storage/contract.ts'
import { StoreError } from '../../storage/index.ts'
import type { RequestContext } from './context.ts'

/** Queues whose messages are looked up at a time: tools wait, clients do not. */
export const lookUpsAtOnceMax = 16

/** The append time of a queue's message, ms; undefined where it is not there, or cannot be read. */
export async function storeTimeAt(
  queue: QueueUid,
  offset: number,
  { engine }: Pick<RequestContext, 'engine'>
): Promise<number | undefined> {
  if (offset < 0) return undefined
  const [result] = await engine.read({
    queues: [{ queue, offset, maxBytes: 1 }],
    maxBytes: 1,
    isolation: 'uncommitted',
    withOrigins: true
  })
  if (result === undefined || result instanceof StoreError) return undefined
  return result.origins.find(({ nextOffset }) => nextOffset > offset)?.appendTimeMs
}
