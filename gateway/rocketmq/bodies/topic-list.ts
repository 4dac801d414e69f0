import { list, optional, struct, text } from '../codec/index.ts'

export const topicList = struct({
  topicList: list(text),
  /** Of GET_SYSTEM_TOPIC_LIST_FROM_NS: a broker, whose own system topics the client then asks for. */
  brokerAddr: optional(text)
})
