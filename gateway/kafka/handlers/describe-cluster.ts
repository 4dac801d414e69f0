/**
 * DescribeCluster, versions 0 to 2. One node, the controller too, never fenced. Controllers as endpoints (KIP-919)
 * there are none to describe.
 */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type {
  DescribeClusterRequest,
  DescribeClusterResponseInput
} from '../schemas/describe-cluster.ts'
import { advertisedEndpoint, allClusterOperations, operationsNotAsked } from '../this-node.ts'

const brokerEndpoints = 1
const controllerEndpoints = 2

export const describeCluster: Handler<DescribeClusterRequest, DescribeClusterResponseInput> = (
  request,
  context
) => {
  const { endpointType } = request
  if (endpointType !== brokerEndpoints) {
    const isController = endpointType === controllerEndpoints
    return {
      errorCode: isController
        ? errorCodes.MISMATCHED_ENDPOINT_TYPE
        : errorCodes.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: isController
        ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
        : `Unsupported endpoint type ${endpointType}`,
      clusterId: '',
      brokers: []
    }
  }
  return {
    errorCode: errorCodes.NONE,
    endpointType,
    clusterId: context.clusterId,
    controllerId: context.nodeId,
    brokers: [{ brokerId: context.nodeId, ...advertisedEndpoint(context), isFenced: false }],
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? allClusterOperations
      : operationsNotAsked
  }
}
