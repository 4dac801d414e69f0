/** Sending a half message: it waits in the hidden queue, with a timer for asking its producer what became of it. */
import type { Topic } from '../../../storage/index.ts'
import {
  encodeOffsetId,
  isMessageFault,
  type Message,
  physicalOffsetOf,
  recordOfMessage
} from '../../broker/translate/index.ts'
import type { RequestContext } from '../context.ts'
import { isDelayed } from '../delayed-messages.ts'
import { responseCodes } from '../response-codes.ts'
import { refuseSend, sentHeader } from '../sent-messages.ts'
import { storeHost } from '../this-broker.ts'
import { firstCheckAfterMs, halfOf } from './half-message.ts'

/** Answered with where the half message is: its producer names that place when it ends the transaction. */
export async function sendHalf(
  message: Message,
  uniqueKey: string,
  topic: Topic,
  queueId: number,
  context: RequestContext
) {
  const { timers, transactionLimits } = context
  if (isDelayed(message)) {
    const remark = 'the message is illegal: a message of a transaction cannot be delayed'
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
  }
  const half = halfOf(message, topic.names.rocketmq, queueId)
  const record = isMessageFault(half) ? half : recordOfMessage(half)
  if (isMessageFault(record)) {
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, `the message is illegal: ${record.text}`)
  }
  const afterMs = firstCheckAfterMs(message, transactionLimits.transactionCheckAfterMs)
  const { place } = await timers.add({
    kind: 'half',
    // Its keys find the message that it becomes.
    record: { ...record, keys: [] },
    due: { afterMs },
    target: { topicId: topic.id, queue: queueId }
  })
  const { queue, offset } = place
  return {
    header: sentHeader({
      msgId: encodeOffsetId(storeHost(context), physicalOffsetOf(queue, offset)),
      queueId,
      queueOffset: offset,
      transactionId: uniqueKey
    })
  }
}
