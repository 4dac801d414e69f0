import { header, int, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const wipeWritePermOfBrokerRequest = request(requestCodes.WIPE_WRITE_PERM_OF_BROKER, {
  header: header({ brokerName: text }),
  responseHeader: header({ wipeTopicCount: int })
})
