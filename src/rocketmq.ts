/** The RocketMQ side of a server: services over what the gateways share, and their two listeners. */
import { DecodedBatches } from '../gateway/broker/translate/index.ts'
import {
  ClientTable,
  checkBack,
  defaultRocketmqLimits,
  MessageFilters,
  OffsetResets,
  QueueLocks,
  ReadAhead,
  type RequestObserver,
  type RocketmqServices,
  type Role,
  RoutePerms,
  responseNameOf,
  rocketmqListener
} from '../gateway/rocketmq/server.ts'
import type { Listener, TcpShared } from '../gateway/tcp/index.ts'
import type { Broker } from './broker.ts'
import { type Config, pickSettings } from './config.ts'
import type { MeasuredListener } from './http/metrics.ts'
import { RequestFigures } from './http/request-figures.ts'
import { transactionSettings } from './part-settings.ts'

export interface RocketmqSide {
  readonly namesrv: Listener
  readonly broker: Listener
  /** The broker's other door, at its port minus 2; absent unless it is switched on. */
  readonly vip: Listener | undefined
  readonly measured: readonly MeasuredListener[]
  /** Ends what runs by the clock; the listeners are closed before. */
  close(): void
}

/** Wires the services; nothing listens yet. `brokerPort`: where the broker listener is bound, once it is. */
export function openRocketmq(
  { engine, topics, groups, timers, traffic, addresses, clock, random, log }: Broker,
  tcp: TcpShared,
  config: Config,
  brokerPort: () => number
): RocketmqSide {
  const clients = new ClientTable({ groups, clock, log })
  const services: RocketmqServices = {
    engine,
    topics,
    groups,
    timers,
    clients,
    locks: new QueueLocks(clock),
    resets: new OffsetResets(),
    routePerms: new RoutePerms(),
    filters: new MessageFilters({ sql: config.sqlFilters }),
    decoded: new DecodedBatches(),
    readAhead: new ReadAhead(),
    traffic,
    addresses,
    facts: {
      flushMode: config.flush,
      dataFolder: config.data,
      segmentBytes: config.segmentBytes,
      retentionMs: config.retentionMs
    },
    clusterName: config.rocketmqClusterName,
    brokerName: config.rocketmqBrokerName,
    brokerPort,
    clock,
    random,
    log,
    limits: { ...defaultRocketmqLimits, timerDelayMsMax: config.timerDelayMsMax },
    transactionLimits: pickSettings(config, transactionSettings)
  }
  timers.setAction('half', checkBack(services))
  const namesrv = measuredListener(services, 'namesrv', tcp)
  const broker = measuredListener(services, 'broker', tcp)
  const vip = config.brokerVipPort ? measuredListener(services, 'broker', tcp, 'vip') : undefined
  return {
    namesrv: namesrv.listener,
    broker: broker.listener,
    vip: vip?.listener,
    measured: [namesrv.measured, broker.measured, ...(vip ? [vip.measured] : [])],
    close: () => clients.close()
  }
}

function measuredListener(
  services: RocketmqServices,
  role: Role,
  tcp: TcpShared,
  name: string = role
) {
  const figures = new RequestFigures()
  const observer: RequestObserver = {
    handled: (request, responseCode, latencyMs, bytesIn, bytesOut) =>
      figures.handled(request, 0, responseCode, latencyMs, bytesIn, bytesOut)
  }
  const listener = rocketmqListener(services, role, tcp, observer)
  const measured: MeasuredListener = {
    protocol: `rocketmq-${name}`,
    figures,
    counters: listener.counters,
    errorName: responseNameOf
  }
  return { listener, measured }
}
