import { header, int, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const addWritePermOfBrokerRequest = request(requestCodes.ADD_WRITE_PERM_OF_BROKER, {
  header: header({ brokerName: text }),
  responseHeader: header({ addTopicCount: int })
})
