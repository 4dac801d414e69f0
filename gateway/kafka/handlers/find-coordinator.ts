/**
 * FindCoordinator, versions 0 to 6. The one node coordinates every group, from the moment that it listens: clients
 * are never told to come back later. Transactions are not served yet: their coordinator is refused (error 53), and
 * so are share groups (error 42, as by a Kafka that has none).
 */
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type {
  FindCoordinatorRequest,
  FindCoordinatorResponseInput
} from '../schemas/find-coordinator.ts'
import { advertisedEndpoint } from '../this-node.ts'

const groupKeys = 0
const transactionKeys = 1

/** The first version with many keys (KIP-699). */
const firstWithKeys = 4

export const findCoordinator: Handler<FindCoordinatorRequest, FindCoordinatorResponseInput> = (
  request,
  context
) => {
  const answer = answerFor(request.keyType, context)
  // Kafka names even the absence of an error, where there is one key only.
  return context.version < firstWithKeys
    ? { ...answer, errorMessage: answer.errorMessage || 'NONE' }
    : { coordinators: request.coordinatorKeys.map((key) => ({ key, ...answer })) }
}

interface Coordinator {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

function answerFor(keyType: number, context: RequestContext): Coordinator {
  switch (keyType) {
    case groupKeys:
      return {
        errorCode: errorCodes.NONE,
        errorMessage: '',
        nodeId: context.nodeId,
        ...advertisedEndpoint(context)
      }
    case transactionKeys:
      return refusal(
        errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        'Transactions are not served yet.'
      )
    default:
      return refusal(errorCodes.INVALID_REQUEST, `No coordinator of type ${keyType} is served.`)
  }
}

function refusal(errorCode: ErrorCode, errorMessage: string): Coordinator {
  return { errorCode, errorMessage, nodeId: -1, host: '', port: -1 }
}
