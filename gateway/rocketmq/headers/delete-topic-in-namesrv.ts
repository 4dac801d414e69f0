import { header, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const deleteTopicInNamesrvRequest = request(requestCodes.DELETE_TOPIC_IN_NAMESRV, {
  header: header({ topic: text, clusterName: optional(text) })
})
