/**
 * InitProducerId, versions 0 to 5. Without a transactional id: always a producer id that nobody had, epoch 0, whatever
 * id and epoch the request names. Transactions are not served: error 53.
 */
import { StoreError } from '../../../storage/errors.ts'
import type { Handler } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type {
  InitProducerIdRequest,
  InitProducerIdResponseInput
} from '../schemas/init-producer-id.ts'

export const initProducerId: Handler<InitProducerIdRequest, InitProducerIdResponseInput> = async (
  { transactionalId },
  context
) => {
  if (transactionalId === '') return refusal(errorCodes.INVALID_REQUEST)
  if (transactionalId !== null) return refusal(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  try {
    const producerId = await context.producerIds.next()
    return { errorCode: errorCodes.NONE, producerId, producerEpoch: 0 }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    // Every client asks again after this one, also those without a transactional id.
    return refusal(errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
  }
}

function refusal(errorCode: ErrorCode): InitProducerIdResponseInput {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}
