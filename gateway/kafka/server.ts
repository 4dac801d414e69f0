/** The Kafka gateway's door for src: a listener that speaks Kafka. */
import { Listener, type TcpShared } from '../tcp/index.ts'
import type { KafkaServices } from './context.ts'
import { kafkaProtocol, type RequestObserver } from './dispatch.ts'

export type { KafkaLimits, KafkaServices } from './context.ts'
export { defaultKafkaLimits } from './context.ts'
export type { RequestObserver } from './dispatch.ts'
export { ProducerIdBlocks } from './producer-ids.ts'
export { type Route, routes } from './routes.ts'

/** Not listening yet: `listen`, and at the end `close`, are the caller's. */
export function kafkaListener(
  services: KafkaServices,
  shared: TcpShared,
  observer: RequestObserver
): Listener {
  return new Listener(kafkaProtocol(services, shared.limits.requestsInFlightMax, observer), shared)
}
