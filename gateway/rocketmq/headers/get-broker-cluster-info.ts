import { clusterInfo } from '../bodies/cluster-info.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Asked by nearly every command of mqadmin and page of the dashboard. */
export const getBrokerClusterInfoRequest = request(requestCodes.GET_BROKER_CLUSTER_INFO, {
  responseBody: json(clusterInfo)
})
