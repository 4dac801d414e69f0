/**
 * THE table of what the RocketMQ gateway serves: one row a request code. Dispatch looks requests up here, and the table
 * in the docs is made of it. Adding a request: its declaration, its handler, their tests, a row here.
 */
import type { AnyRequest } from './codec/index.ts'
import type { Handler, Role } from './context.ts'
import { getBrokerClusterInfo } from './handlers/get-broker-cluster-info.ts'
import { getBrokerClusterInfoRequest } from './headers/get-broker-cluster-info.ts'

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

export const routes: readonly Route[] = [
  route(getBrokerClusterInfoRequest, getBrokerClusterInfo, 'namesrv')
]
