/**
 * QUERY_MESSAGE (12): messages of a topic by their unique key, or by one of their keys, newest first up to the number
 * asked for, and given in the order stored.
 */
import { physicalOffsetOf } from '../../broker/translate/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import type { queryMessageRequest } from '../headers/query-message.ts'
import { findTopic } from '../known-topics.ts'
import type { PlacedMessage } from '../message-at.ts'
import { messageForClient } from '../message-for-client.ts'
import { messagesByKey } from '../messages-by-key.ts'
import { responseCodes } from '../response-codes.ts'

/** MessageStoreConfig.maxMsgsNumBatch. */
const countMax = 64
/** MessageStoreConfig.defaultQueryMaxNum: what a query by unique key asks for, whatever it says. */
const uniqueCountMax = 32

export const queryMessage: Handler<typeof queryMessageRequest> = async ({ header }, context) => {
  const { topic: name, key, maxNum, isUniqueKey: isUnique } = header
  const topic = await findTopic(context, name)
  const count = isUnique ? uniqueCountMax : Math.min(maxNum, countMax)
  if (topic === undefined || count <= 0 || key === '') return notFound()
  const { beginTimestamp: fromMs, endTimestamp: toMs } = header
  const wanted = { key, isUnique, fromMs, toMs, countMax: count }
  const found = (await messagesByKey(topic, wanted, context)).filter(
    ({ message }) => !message.isTooLarge
  )
  const last = found.at(-1)
  if (last === undefined) return notFound()
  return {
    header: {
      indexLastUpdateTimestamp: last.message.storeTimestampMs,
      indexLastUpdatePhyoffset: physicalOffsetOf(last.queue, last.message.offset)
    },
    body: bodyOf(found, context)
  }
}

/** As many of the newest as an answer has room for, the oldest of them first. */
function bodyOf(found: readonly PlacedMessage[], context: RequestContext): Buffer[] {
  const room = context.reserveAnswer(context.limits.queryBytesMax)
  try {
    const body: Buffer[] = []
    let bytes = 0
    for (const one of [...found].reverse()) {
      const encoded = messageForClient(one, context)
      bytes += encoded.length
      if (body.length > 0 && bytes > room) break
      body.unshift(encoded)
    }
    return body
  } finally {
    context.releaseAnswer(room)
  }
}

function notFound() {
  return {
    code: responseCodes.QUERY_NOT_FOUND,
    remark: 'can not find message, maybe time range not correct',
    header: { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0n },
    body: []
  }
}
