import { bool, bytes, defaulted, header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** To the client that asked: the reply. */
export const pushReplyMessageToClientRequest = request(requestCodes.PUSH_REPLY_MESSAGE_TO_CLIENT, {
  header: header({
    producerGroup: text,
    topic: text,
    defaultTopic: text,
    defaultTopicQueueNums: int,
    queueId: int,
    sysFlag: int,
    bornTimestamp: long,
    flag: int,
    properties: defaulted(text, ''),
    reconsumeTimes: defaulted(int, 0),
    unitMode: defaulted(bool, false),
    /** ADDRESS:PORT, with Java's slash in front. */
    bornHost: text,
    storeHost: text,
    storeTimestamp: long
  }),
  body: bytes
})
