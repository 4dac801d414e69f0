import { messageQueue } from '../bodies/message-queue.ts'
import { defaulted, json, list, optional, request, struct, table, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Of 5.x consumers that leave the division of queues to the broker. */
export const queryAssignmentRequest = request(requestCodes.QUERY_ASSIGNMENT, {
  body: json(
    struct({
      topic: text,
      consumerGroup: text,
      clientId: text,
      /** AVG, AVG_BY_CIRCLE, ... */
      strategyName: text,
      messageModel: defaulted(text, 'CLUSTERING')
    })
  ),
  responseBody: json(
    struct({
      /** Left out: the client keeps what it has. */
      messageQueueAssignments: optional(
        list(
          struct({
            messageQueue,
            /** PULL or POP. */
            mode: text,
            attachments: optional(table(text))
          })
        )
      )
    })
  )
})
