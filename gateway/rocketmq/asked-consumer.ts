/** What tools ask of one consumer: it is asked here, and its answer is theirs. */
import { type ClientAnswer, PushError, type Pushed } from './client-connection.ts'
import type { AnyRequest } from './codec/index.ts'
import { type Refused, type RequestContext, refuse } from './context.ts'
import { type ResponseCode, responseCodes } from './response-codes.ts'

export interface Relayed {
  /** The consumer's own. */
  readonly code: ResponseCode
  readonly remark: string
  readonly body: Buffer
}

/** Asks the consumer and waits for its answer; refused in a real broker's words. */
export async function askConsumer<R extends AnyRequest>(
  group: string,
  clientId: string,
  request: R,
  pushed: Pushed<R>,
  { clients, limits }: RequestContext
): Promise<Relayed | Refused> {
  const connection = clients.consumerGroup(group)?.connectionOf(clientId)
  if (connection === undefined) {
    const remark = `The Consumer <${group}> <${clientId}> not online`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  let answer: ClientAnswer<R>
  try {
    answer = await connection.ask(request, pushed, limits.clientAnswerMsMax)
  } catch (error) {
    if (!(error instanceof PushError)) throw error
    if (error.reason === 'timeout') {
      const remark = `consumer <${group}> <${clientId}> Timeout: ${error.message}`
      return refuse(responseCodes.CONSUME_MSG_TIMEOUT, remark)
    }
    const remark = `invoke consumer <${group}> <${clientId}> Exception: ${error.message}`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const { code, remark, bodyBytes: body } = answer
  return { code: code as ResponseCode, remark: remark ?? '', body }
}
