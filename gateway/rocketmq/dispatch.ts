/**
 * From a frame to its answer: command, route, header and body, handler, answer. Answers leave as they are ready, in the
 * serialisation that the request had. Malformed bytes close the connection; everything else is answered: an unknown
 * code with 3, a field that is missing or makes no sense with INVALID_PARAMETER naming it, a handler that throws with
 * SYSTEM_ERROR. A one-way request is handled the same and never answered.
 */
import { inspect } from 'node:util'
import { StoreError } from '../../storage/errors.ts'
import { TopicError } from '../broker/topic-errors.ts'
import {
  type Answer,
  type ConnectionHandle,
  FrameError,
  type Protocol,
  type Session
} from '../tcp/index.ts'
import { RocketmqClient } from './client-connection.ts'
import {
  type AnyRequest,
  type Command,
  decodeCommand,
  encodeCommand,
  flags,
  ParameterError,
  ProtocolError
} from './codec/index.ts'
import { type Refused, type RocketmqServices, type Role, refuse } from './context.ts'
import { requestNameOf } from './request-codes.ts'
import { RequestScope } from './request-scope.ts'
import {
  type ResponseCode,
  responseCodes,
  rocketmqResponseOf,
  rocketmqTopicResponseOf
} from './response-codes.ts'
import { type Route, routes } from './routes.ts'
import { serverLanguage, serverVersion } from './server-version.ts'

/** Told of every request that was handled. */
export interface RequestObserver {
  /**
   * `request`: the code's name, 'UNKNOWN' for one that is not served. `responseCode` is what is or, for a one-way
   * request, would have been answered. Bytes are the frames'; 0 out for a one-way request. `latencyMs` is from the
   * frame's turn to the answer being ready: of a pull that is held, all of its wait.
   */
  handled(
    request: string,
    responseCode: number,
    latencyMs: number,
    bytesIn: number,
    bytesOut: number
  ): void
}

/** An answer whose declaration was checked where the row was made. */
interface AnyAnswered {
  readonly code?: ResponseCode
  readonly remark?: string
  readonly header?: unknown
  readonly body?: unknown
}

type AnyReply = AnyAnswered | Refused

/** The protocol for one of the listeners. `table` is routes.ts but in tests. */
export function rocketmqProtocol(
  services: RocketmqServices,
  role: Role,
  observer: RequestObserver,
  table: readonly Route[] = routes
): Protocol {
  const served = table.filter(({ roles }) => roles === 'both' || roles === role)
  const rows = new Map(served.map((route) => [route.request.code, route]))
  return {
    name: `rocketmq-${role}`,
    order: 'completion',
    inFlightMax: services.limits.inFlightMax,
    open: (connection) => new RocketmqSession(services, role, rows, observer, connection)
  }
}

class RocketmqSession implements Session {
  readonly #services: RocketmqServices
  readonly #role: Role
  readonly #rows: ReadonlyMap<number, Route>
  readonly #observer: RequestObserver
  readonly #connection: ConnectionHandle
  readonly #client: RocketmqClient

  constructor(
    services: RocketmqServices,
    role: Role,
    rows: ReadonlyMap<number, Route>,
    observer: RequestObserver,
    connection: ConnectionHandle
  ) {
    this.#services = services
    this.#role = role
    this.#rows = rows
    this.#observer = observer
    this.#connection = connection
    this.#client = new RocketmqClient(connection, services.clock, services.limits)
  }

  /** Never asked: answers leave as they are ready. */
  mayOverlap(): boolean {
    return true
  }

  handle(frame: Buffer): Answer | Promise<Answer> {
    const beganMs = this.#services.clock.monotonicMs()
    const command = commandOf(frame)
    if ((command.flag & flags.response) !== 0) {
      this.#client.answered(command)
      return []
    }
    this.#client.asked(command)
    const row = this.#rows.get(command.code)
    const reply = row === undefined ? unserved(command) : this.#call(row, command)
    if (reply instanceof Promise) return this.#answerLater(reply, row, command, beganMs, frame)
    return this.#answer(reply, row, command, beganMs, frame)
  }

  closed(): void {
    this.#client.closed()
  }

  #call(row: Route, command: Command): AnyReply | Promise<AnyReply> {
    try {
      const asked = {
        header: row.request.header.read(command.fields),
        body: row.request.body.read(command.body)
      }
      const context = new RequestScope(
        this.#services,
        this.#role,
        this.#connection,
        this.#client,
        command
      )
      return row.handle(asked as never, context) as AnyReply | Promise<AnyReply>
    } catch (error) {
      return this.#refusalOf(error, command)
    }
  }

  async #answerLater(
    reply: Promise<AnyReply>,
    row: Route | undefined,
    command: Command,
    beganMs: number,
    frame: Buffer
  ): Promise<Answer> {
    let settled: AnyReply
    try {
      settled = await reply
    } catch (error) {
      settled = this.#refusalOf(error, command)
    }
    return this.#answer(settled, row, command, beganMs, frame)
  }

  #answer(
    reply: AnyReply,
    row: Route | undefined,
    command: Command,
    beganMs: number,
    frame: Buffer
  ): Answer {
    let code: number = reply.code ?? responseCodes.SUCCESS
    let answer: Buffer[] = []
    if ((command.flag & flags.oneway) === 0) {
      try {
        answer = encodeReply(reply, row?.request, command)
      } catch (error) {
        const refusal = this.#refusalOf(error, command)
        code = refusal.code
        answer = encodeReply(refusal, undefined, command)
      }
    }
    let bytesOut = 0
    for (const chunk of answer) bytesOut += chunk.length
    const latencyMs = this.#services.clock.monotonicMs() - beganMs
    const name = row === undefined ? 'UNKNOWN' : requestNameOf(command.code)
    this.#observer.handled(name, code, latencyMs, frame.length + 4, bytesOut)
    return answer
  }

  #refusalOf(error: unknown, command: Command): Refused {
    if (error instanceof ParameterError) {
      return refuse(responseCodes.INVALID_PARAMETER, error.message)
    }
    if (error instanceof StoreError) return refuse(rocketmqResponseOf[error.code], error.message)
    if (error instanceof TopicError) {
      return refuse(rocketmqTopicResponseOf[error.code], `${error.topicName}: ${error.message}`)
    }
    const request = `${requestNameOf(command.code)} (${command.code})`
    const client = `${this.#client.host}:${this.#client.port}`
    this.#services.log('error', 'request-failed', {
      protocol: `rocketmq-${this.#role}`,
      request,
      client,
      opaque: command.opaque,
      reason: inspect(error)
    })
    return refuse(responseCodes.SYSTEM_ERROR, `${request} failed: ${error}`)
  }
}

function commandOf(frame: Buffer): Command {
  try {
    return decodeCommand(frame)
  } catch (error) {
    throw error instanceof ProtocolError ? new FrameError(error.message, frame) : error
  }
}

/** As a real broker says it. */
function unserved({ code }: Command): Refused {
  return refuse(responseCodes.REQUEST_CODE_NOT_SUPPORTED, ` request type ${code} not supported`)
}

function encodeReply(
  reply: AnyReply,
  request: AnyRequest | undefined,
  { serialization, opaque }: Command
): Buffer[] {
  let fields: ReadonlyMap<string, string>
  let body: readonly Buffer[] = []
  if ('refused' in reply || request === undefined) {
    fields = new Map(Object.entries('refused' in reply ? (reply.fields ?? {}) : {}))
  } else {
    fields = request.responseHeader.write((reply.header ?? {}) as never)
    body = request.responseBody.write(reply.body as never)
  }
  const answer = {
    serialization,
    code: reply.code ?? responseCodes.SUCCESS,
    language: serverLanguage,
    version: serverVersion,
    opaque,
    flag: flags.response,
    remark: reply.remark ?? null,
    fields
  } as const
  return encodeCommand(answer, body)
}
