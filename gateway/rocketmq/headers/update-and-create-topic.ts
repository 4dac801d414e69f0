import { bool, defaulted, header, int, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateAndCreateTopicRequest = request(requestCodes.UPDATE_AND_CREATE_TOPIC, {
  header: header({
    topic: text,
    /** TBW102 from every tool; of no effect. */
    defaultTopic: defaulted(text, ''),
    readQueueNums: int,
    writeQueueNums: int,
    perm: int,
    topicFilterType: defaulted(text, 'SINGLE_TAG'),
    topicSysFlag: defaulted(int, 0),
    order: defaulted(bool, false),
    /** `+name=value` and `-name`, with commas. */
    attributes: optional(text),
    force: defaulted(bool, false)
  })
})
