import { brokerConsumeStats } from '../bodies/statistics.ts'
import { bool, defaulted, header, json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getBrokerConsumeStatsRequest = request(requestCodes.GET_BROKER_CONSUME_STATS, {
  header: header({ isOrder: defaulted(bool, false) }),
  responseBody: json(brokerConsumeStats)
})
