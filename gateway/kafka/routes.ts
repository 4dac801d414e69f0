/**
 * THE table of what the Kafka gateway serves: one row a request. Dispatch looks requests up here, ApiVersions answers
 * from it, and the table in the docs is made of it. Adding a request: its schema, its handler, their tests, a row here.
 */
import type { AnyMessage, BodyOf, Fields, InputOf, Message } from './codec/index.ts'
import type { Handler } from './context.ts'
import { apiVersions } from './handlers/api-versions.ts'
import { apiVersionsRequest, apiVersionsResponse } from './schemas/api-versions.ts'

export interface Route {
  readonly request: AnyMessage
  readonly response: AnyMessage
  /** Typed in its row; here only dispatch calls it, with the body that `request` decoded. */
  readonly handle: Handler<never, unknown>
}

/** Checks that a handler takes what the request decodes to and returns what the response is encoded from. */
export function route<Asked extends Fields, Answered extends Fields>(
  request: Message<Asked>,
  response: Message<Answered>,
  handle: Handler<BodyOf<Message<Asked>>, InputOf<Message<Answered>>>
): Route {
  return { request, response, handle }
}

export const routes: readonly Route[] = [
  route(apiVersionsRequest, apiVersionsResponse, apiVersions)
]
