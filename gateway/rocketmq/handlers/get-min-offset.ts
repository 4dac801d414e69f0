/** GET_MIN_OFFSET (31). A queue that is not there begins at 0. */
import type { Handler } from '../context.ts'
import type { getMinOffsetRequest } from '../headers/get-min-offset.ts'
import { endsOfQueue } from '../queue-ends.ts'

export const getMinOffset: Handler<typeof getMinOffsetRequest> = async (
  { header: { topic, queueId } },
  context
) => {
  const ends = await endsOfQueue(topic, queueId, context)
  return { header: { offset: ends?.logStartOffset ?? 0 } }
}
