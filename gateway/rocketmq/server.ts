/** The RocketMQ gateway's door for src: listeners that speak remoting. */
import { Listener, type TcpShared } from '../tcp/index.ts'
import { frameLengthMax } from './codec/index.ts'
import type { RocketmqServices, Role } from './context.ts'
import { type RequestObserver, rocketmqProtocol } from './dispatch.ts'

export { ClientTable } from './clients/client-table.ts'
export { OffsetResets } from './clients/offset-resets.ts'
export { QueueLocks } from './clients/queue-locks.ts'
export {
  defaultRocketmqLimits,
  type RocketmqLimits,
  type RocketmqServices,
  type Role
} from './context.ts'
export type { RequestObserver } from './dispatch.ts'
export { MessageFilters } from './filter/message-filters.ts'
export { ReadAhead } from './read-ahead.ts'
export { responseNameOf } from './response-codes.ts'
export { RoutePerms } from './route-perms.ts'
export { type Route, routes } from './routes.ts'
export { checkBack } from './transactions/check-back.ts'
export { type TransactionLimits, transactionLimitTable } from './transactions/limits.ts'

/** Not listening yet: `listen`, and at the end `close`, are the caller's. */
export function rocketmqListener(
  services: RocketmqServices,
  role: Role,
  shared: TcpShared,
  observer: RequestObserver
): Listener {
  const frameBytesMax = Math.min(shared.limits.frameBytesMax, frameLengthMax)
  const limits = { ...shared.limits, frameBytesMax }
  return new Listener(rocketmqProtocol(services, role, observer), { ...shared, limits })
}
