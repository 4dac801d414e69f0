/** GET_MAX_OFFSET (30). A queue that is not there ends at 0, as in a real broker. */
import type { Handler } from '../context.ts'
import type { getMaxOffsetRequest } from '../headers/get-max-offset.ts'
import { endsOfQueue } from '../queue-ends.ts'

export const getMaxOffset: Handler<typeof getMaxOffsetRequest> = async (
  { header: { topic, queueId } },
  context
) => {
  const ends = await endsOfQueue(topic, queueId, context)
  return { header: { offset: ends?.lastStableOffset ?? 0 } }
}
