/** What was counted, as RocketMQ's tools are told it. */
import type { QueueUid } from '../../storage/contract.ts'
import type { Counted, RollingCounter, WindowName } from '../broker/statistics/rolling-counter.ts'
import type { Traffic } from '../broker/statistics/traffic.ts'

export type Amount = 'times' | 'records' | 'bytes'

export function perSecond(counted: Counted, amount: Amount): number {
  return (counted[amount] * 1000) / counted.elapsedMs
}

/** Together; counters that begin later count as if they had begun with the first. */
export function countedBy(
  counters: readonly RollingCounter[],
  window: WindowName,
  nowMs: number
): Counted {
  const sum = { times: 0, records: 0, bytes: 0, elapsedMs: 0 }
  for (const counter of counters) {
    const { times, records, bytes, elapsedMs } = counter.over(window, nowMs)
    sum.times += times
    sum.records += records
    sum.bytes += bytes
    sum.elapsedMs = Math.max(sum.elapsedMs, elapsedMs)
  }
  return { ...sum, elapsedMs: Math.max(sum.elapsedMs, 1) }
}

/** The counters of a topic's queues that anything was appended to. */
export function appendCounters(
  queues: readonly QueueUid[],
  traffic: Traffic
): readonly RollingCounter[] {
  const counters: RollingCounter[] = []
  for (const queue of queues) {
    const counter = traffic.appendsTo(queue)
    if (counter !== undefined) counters.push(counter)
  }
  return counters
}

/** As RocketMQ tells loads: three rates, of the last 10 s, minute and 10 minutes. */
export function loadText(counters: readonly RollingCounter[], amount: Amount, nowMs: number) {
  const rates = (
    [
      ['minute', 1],
      ['minute', 6],
      ['hour', 1]
    ] as const
  ).map(([window, steps]) => {
    let rate = 0
    for (const counter of counters) rate += perSecond(counter.over(window, nowMs, steps), amount)
    return rate
  })
  return rates.map((rate) => `${rate}`).join(' ')
}
