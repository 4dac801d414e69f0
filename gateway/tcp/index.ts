/** The door of gateway/tcp: listeners, and what a protocol plugs into them. */
export { Connection, type ConnectionShared } from './connection.ts'
export type { TcpCounters } from './counters.ts'
export { FrameError } from './framer.ts'
export {
  type Limit,
  type TcpLimitName,
  type TcpLimits,
  tcpLimits,
  tcpLimitTable
} from './limits.ts'
export { type ListenAddress, Listener, type TcpShared, tcpShared } from './listener.ts'
export type { Answer, ConnectionHandle, Endpoints, Protocol, Session } from './protocol.ts'
export { partsOf } from './protocol.ts'
