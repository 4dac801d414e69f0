import { header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const deleteTopicInBrokerRequest = request(requestCodes.DELETE_TOPIC_IN_BROKER, {
  header: header({ topic: text })
})
