/** GET_BROKER_CLUSTER_INFO (106): one cluster of one broker, which is its own master. */
import type { Handler } from '../context.ts'
import type { getBrokerClusterInfoRequest } from '../headers/get-broker-cluster-info.ts'
import { advertisedBroker, endpointText, masterId } from '../this-broker.ts'

export const getBrokerClusterInfo: Handler<typeof getBrokerClusterInfoRequest> = (_, context) => {
  const { clusterName, brokerName } = context
  const address = endpointText(advertisedBroker(context))
  const broker = { cluster: clusterName, brokerName, brokerAddrs: new Map([[masterId, address]]) }
  return {
    body: {
      brokerAddrTable: new Map([[brokerName, broker]]),
      clusterAddrTable: new Map([[clusterName, [brokerName]]])
    }
  }
}
