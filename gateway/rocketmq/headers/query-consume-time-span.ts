import { consumeTimeSpans } from '../bodies/statistics.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryConsumeTimeSpanRequest = request(requestCodes.QUERY_CONSUME_TIME_SPAN, {
  header: header({ topic: text, group: text }),
  responseBody: json(consumeTimeSpans)
})
