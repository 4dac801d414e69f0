import { brokerStats } from '../bodies/statistics.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const viewBrokerStatsDataRequest = request(requestCodes.VIEW_BROKER_STATS_DATA, {
  header: header({ statsName: text, statsKey: text }),
  responseBody: json(brokerStats)
})
