/** A row of the table of requests. */
import type { AnyRequest } from './codec/index.ts'
import type { Handler, Role } from './context.ts'

/** `roles`: the listeners that answer it; clients ask some things of either. */
export interface Route {
  readonly request: AnyRequest
  readonly handle: Handler<never>
  readonly roles: Role | 'both'
}

/** The types of request and handler fit each other. */
export function route<R extends AnyRequest>(
  request: R,
  handle: Handler<R>,
  roles: Role | 'both'
): Route {
  return { request, handle: handle as Handler<never>, roles }
}
