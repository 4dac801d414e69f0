import {
  bool,
  bytes,
  defaulted,
  header,
  int,
  long,
  optional,
  request,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

const fields = {
  producerGroup: text,
  topic: text,
  /** Whose settings a topic that is made for this message takes (TBW102). */
  defaultTopic: text,
  defaultTopicQueueNums: int,
  /** Below 0: any that is writable. */
  queueId: int,
  sysFlag: int,
  bornTimestamp: long,
  flag: int,
  properties: defaulted(text, ''),
  reconsumeTimes: defaulted(int, 0),
  unitMode: defaulted(bool, false),
  batch: defaulted(bool, false),
  /** Means something where the topic is a group's retry topic. Go says 0 everywhere. */
  maxReconsumeTimes: optional(int),
  brokerName: optional(text)
}

/** SendMessageRequestHeaderV2: the fields by letters. */
const letters = {
  producerGroup: 'a',
  topic: 'b',
  defaultTopic: 'c',
  defaultTopicQueueNums: 'd',
  queueId: 'e',
  sysFlag: 'f',
  bornTimestamp: 'g',
  flag: 'h',
  properties: 'i',
  reconsumeTimes: 'j',
  unitMode: 'k',
  maxReconsumeTimes: 'l',
  batch: 'm',
  brokerName: 'n'
}

const worded = { header: header(fields, { brokerName: 'bname' }), body: bytes }
const lettered = { header: header(fields, letters), body: bytes }

/** Java throws where msgId, queueId or queueOffset is missing after a send that succeeded. */
const responseHeader = header(
  {
    /** Address and place in the log; of a batch all of them, with commas. Go panics on anything but 32 or 56 digits. */
    msgId: text,
    queueId: int,
    /** Of a batch the first one's. */
    queueOffset: long,
    /** The message's UNIQ_KEY. */
    transactionId: optional(text),
    batchUniqId: optional(text),
    /** Of a timed message: what RECALL_MESSAGE takes. */
    recallHandle: optional(text),
    regionId: optional(text),
    /** Go traces only where this is told. */
    traceOn: optional(bool)
  },
  { regionId: 'MSG_REGION', traceOn: 'TRACE_ON' }
)

/** Of Go, and of Java where told so. */
export const sendMessageRequest = request(requestCodes.SEND_MESSAGE, { ...worded, responseHeader })
/** Of Java. */
export const sendMessageV2Request = request(requestCodes.SEND_MESSAGE_V2, {
  ...lettered,
  responseHeader
})
/** The body is a row of messages (gateway/broker/translate reads them); the properties are the envelope's. */
export const sendBatchMessageRequest = request(requestCodes.SEND_BATCH_MESSAGE, {
  ...lettered,
  responseHeader
})
/** The answer to a request message, for the client that its properties name. Of Go. */
export const sendReplyMessageRequest = request(requestCodes.SEND_REPLY_MESSAGE, {
  ...worded,
  responseHeader
})
/** The same of Java. */
export const sendReplyMessageV2Request = request(requestCodes.SEND_REPLY_MESSAGE_V2, {
  ...lettered,
  responseHeader
})
