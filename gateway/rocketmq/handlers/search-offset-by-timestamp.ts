/**
 * SEARCH_OFFSET_BY_TIMESTAMP (29), by store timestamps. LOWER: the first message stored at that time or later, or the
 * queue's end. UPPER: the last one stored at that time or before, or the queue's beginning.
 */
import type { Handler } from '../context.ts'
import type { searchOffsetByTimestampRequest } from '../headers/search-offset-by-timestamp.ts'
import { findTopic } from '../known-topics.ts'

export const searchOffsetByTimestamp: Handler<typeof searchOffsetByTimestampRequest> = async (
  { header: { topic: name, queueId, timestamp, boundaryType } },
  context
) => {
  const { engine } = context
  const topic = await findTopic(context, name)
  const queue = topic?.queues[queueId]
  if (queue === undefined) return { header: { offset: 0 } }
  const isUpper = boundaryType.toUpperCase() === 'UPPER'
  const fromMs = Math.min(timestamp + (isUpper ? 1 : 0), Number.MAX_SAFE_INTEGER)
  const [found, { logStartOffset, lastStableOffset }] = await Promise.all([
    engine.offsetByTime(queue, fromMs, 'append'),
    engine.ends(queue)
  ])
  const first = Math.min(found?.offset ?? lastStableOffset, lastStableOffset)
  return { header: { offset: isUpper ? Math.max(first - 1, logStartOffset) : first } }
}
