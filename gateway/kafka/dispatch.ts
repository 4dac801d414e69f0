/**
 * From a frame to its answer: header, route, body, handler, response. What cannot be parsed, a request that is not
 * served, and a handler that throws close the connection without an answer, as a Kafka broker does; only ApiVersions
 * in a version that is too new is answered (KIP-511).
 */
import {
  type Answer,
  type ConnectionHandle,
  FrameError,
  type Protocol,
  type Session
} from '../tcp/index.ts'
import {
  apiKeys,
  encodeResponse,
  ProtocolError,
  Reader,
  type RequestHeader,
  readRequestBody,
  readRequestHeader
} from './codec/index.ts'
import {
  type ApiRange,
  type ClientInfo,
  closeConnection,
  type KafkaServices,
  noAnswer
} from './context.ts'
import { errorCodes } from './error-codes.ts'
import { errorFinder, type FindError } from './first-error.ts'
import { RequestScope, type SessionScope } from './request-scope.ts'
import { type Route, routes } from './routes.ts'
import { apiVersionsResponse } from './schemas/api-versions.ts'

/** Told of every request that was handled. */
export interface RequestObserver {
  /**
   * `errorCode`: the first in the response, 0 if none. Bytes are the frames'; 0 out for a request without an answer.
   * `latencyMs` is from the frame's turn to the answer being ready.
   */
  handled(
    api: string,
    version: number,
    errorCode: number,
    latencyMs: number,
    bytesIn: number,
    bytesOut: number
  ): void
}

interface Row extends Route {
  readonly findError: FindError
}

/** The protocol for a listener. `table` is routes.ts but in tests. */
export function kafkaProtocol(
  services: KafkaServices,
  inFlightMax: number,
  observer: RequestObserver,
  table: readonly Route[] = routes
): Protocol {
  const rows: Row[] = []
  for (const route of table)
    rows[route.request.key] = { ...route, findError: errorFinder(route.response) }
  const apis = rangesOf(table)
  return {
    name: 'kafka',
    order: 'request',
    inFlightMax,
    open: (connection) => new KafkaSession(services, apis, rows, observer, connection)
  }
}

/** What ApiVersions tells of the table, by key. */
export function rangesOf(table: readonly Route[]): readonly ApiRange[] {
  return table
    .map(({ request }) => ({
      apiKey: request.key,
      minVersion: request.advertise[0],
      maxVersion: request.advertise[1]
    }))
    .sort((a, b) => a.apiKey - b.apiKey)
}

class KafkaSession implements Session {
  readonly #rows: readonly Row[]
  readonly #observer: RequestObserver
  /** What every request of the connection is given; `client` follows the requests' client ids. */
  readonly #common: SessionScope
  #client: ClientInfo
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    services: KafkaServices,
    apis: readonly ApiRange[],
    rows: readonly Row[],
    observer: RequestObserver,
    connection: ConnectionHandle
  ) {
    this.#rows = rows
    this.#observer = observer
    const { remoteAddress, remotePort, localAddress, localPort } = connection.endpoints
    this.#client = {
      id: '',
      host: remoteAddress,
      port: remotePort,
      softwareName: '',
      softwareVersion: '',
      localAddress,
      localPort
    }
    this.#common = {
      ...services,
      apis,
      signal: connection.signal,
      overloaded: () => connection.overloaded(),
      reserveAnswer: (bytes) => connection.reserveAnswer(bytes),
      releaseAnswer: (bytes) => connection.releaseAnswer(bytes),
      introduce: (softwareName, softwareVersion) => {
        this.#client = { ...this.#client, softwareName, softwareVersion }
      },
      inTurn: (prepared) => this.#inTurn(prepared)
    }
  }

  mayOverlap(frame: Buffer): boolean {
    return frame.length >= 2 && frame.readInt16BE(0) === apiKeys.Produce
  }

  handle(frame: Buffer): Answer | Promise<Answer> {
    const beganMs = this.#common.clock.monotonicMs()
    const reader = new Reader(frame)
    const header = headerOf(reader, frame)
    const row = this.#rows[header.apiKey]
    if (row === undefined) {
      throw new FrameError(`no API with key ${header.apiKey} is served`, frame)
    }
    if (!row.request.serves(header.version)) return this.#unserved(row, header, frame)
    const id = header.clientId ?? ''
    if (id !== this.#client.id) this.#client = { ...this.#client, id }
    const { version, correlationId } = header
    const body = bodyOf(row, version, reader, frame)
    const scope = new RequestScope(this.#common, this.#client, version, correlationId)
    const outcome = this.#call(row, header, body, scope)
    if (outcome instanceof Promise) {
      return this.#answerLater(row, header, outcome, beganMs, frame, scope)
    }
    return withEnd(this.#answer(row, header, outcome, beganMs, frame), scope)
  }

  #call(row: Row, header: RequestHeader, body: unknown, scope: RequestScope): unknown {
    try {
      return row.handle(body as never, scope)
    } catch (error) {
      throw this.#failure(row, header, error)
    }
  }

  async #answerLater(
    row: Row,
    header: RequestHeader,
    outcome: Promise<unknown>,
    beganMs: number,
    frame: Buffer,
    scope: RequestScope
  ): Promise<Answer> {
    try {
      return withEnd(this.#answer(row, header, await outcome, beganMs, frame), scope)
    } catch (error) {
      scope.takeAfterAnswer()?.()
      throw this.#failure(row, header, error)
    }
  }

  #answer(
    row: Row,
    header: RequestHeader,
    outcome: unknown,
    beganMs: number,
    frame: Buffer
  ): readonly Buffer[] | null {
    const { version, correlationId } = header
    let answer: readonly Buffer[] | null = null
    let errorCode: number = errorCodes.NONE
    if (outcome === noAnswer) answer = []
    else if (outcome === closeConnection) errorCode = errorCodes.UNKNOWN_SERVER_ERROR
    else {
      answer = encodeResponse(row.response, version, correlationId, outcome as never)
      errorCode = row.findError(outcome)
    }
    let bytesOut = 0
    for (const chunk of answer ?? []) bytesOut += chunk.length
    const latencyMs = this.#common.clock.monotonicMs() - beganMs
    const { name } = row.request
    this.#observer.handled(name, version, errorCode, latencyMs, frame.length + 4, bytesOut)
    return answer
  }

  /** A client that knows a newer ApiVersions learns which one to ask for; everybody else is closed. */
  #unserved(row: Row, header: RequestHeader, frame: Buffer): Answer {
    const { version, correlationId } = header
    const { name, key, versions } = row.request
    if (key !== apiKeys.ApiVersions || version < 0) {
      throw new FrameError(`${name} version ${version} is not served`, frame)
    }
    const errorCode = errorCodes.UNSUPPORTED_VERSION
    this.#observer.handled(name, version, errorCode, 0, frame.length + 4, 0)
    return encodeResponse(apiVersionsResponse, 0, correlationId, {
      errorCode,
      apiKeys: [{ apiKey: key, minVersion: versions[0], maxVersion: versions[1] }]
    })
  }

  #failure(row: Row, header: RequestHeader, cause: unknown): Error {
    const who = `correlation id ${header.correlationId} of client '${this.#client.id}'`
    return new Error(`${row.request.name} version ${header.version}, ${who}`, { cause })
  }

  #inTurn<T>(prepared: Promise<T>): Promise<T> {
    const before = this.#turn
    const turn = settled(before).then(() => prepared)
    this.#turn = turn
    return turn
  }
}

/** The answer, with what its handler wants done after it. */
function withEnd(chunks: readonly Buffer[] | null, scope: RequestScope): Answer {
  const done = scope.takeAfterAnswer()
  if (done === undefined) return chunks
  if (chunks !== null) return { chunks, done }
  done()
  return null
}

async function settled(promise: Promise<unknown>): Promise<void> {
  try {
    await promise
  } catch {
    // Whoever started it is told; here only its being over matters.
  }
}

function headerOf(reader: Reader, frame: Buffer): RequestHeader {
  try {
    return readRequestHeader(reader)
  } catch (error) {
    throw malformed(error, frame)
  }
}

function bodyOf(row: Row, version: number, reader: Reader, frame: Buffer): unknown {
  try {
    return readRequestBody(row.request, version, reader)
  } catch (error) {
    throw malformed(error, frame)
  }
}

function malformed(error: unknown, frame: Buffer): unknown {
  return error instanceof ProtocolError ? new FrameError(error.message, frame) : error
}
