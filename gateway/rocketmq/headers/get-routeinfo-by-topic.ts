import { topicRoute } from '../bodies/topic-route.ts'
import { bool, defaulted, header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getRouteinfoByTopicRequest = request(requestCodes.GET_ROUTEINFO_BY_TOPIC, {
  header: header({
    topic: text,
    /** The asker reads no map keys that are bare numbers; what is answered has none. */
    acceptStandardJsonOnly: defaulted(bool, false)
  }),
  responseBody: topicRoute
})
