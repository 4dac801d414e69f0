import { subscriptionData } from '../bodies/heartbeat.ts'
import {
  bigLong,
  bool,
  defaulted,
  header,
  int,
  json,
  list,
  long,
  optional,
  request,
  struct,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryConsumeQueueRequest = request(requestCodes.QUERY_CONSUME_QUEUE, {
  header: header({
    topic: text,
    queueId: int,
    index: long,
    count: int,
    consumerGroup: optional(text)
  }),
  responseBody: json(
    struct({
      subscriptionData: optional(subscriptionData),
      filterData: optional(text),
      queueData: list(
        struct({
          physicOffset: bigLong,
          physicSize: int,
          tagsCode: long,
          extendDataJson: optional(text),
          bitMap: optional(text),
          eval: defaulted(bool, false),
          msg: optional(text)
        })
      ),
      maxQueueIndex: long,
      minQueueIndex: long
    })
  )
})
