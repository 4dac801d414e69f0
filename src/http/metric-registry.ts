/** Every metric: its name, its help and where its number is read. Names and labels are stable. */
import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import { latenessBounds, timerKinds } from '../../gateway/broker/timers/index.ts'
import type { TcpCounters } from '../../gateway/tcp/index.ts'
import type { EngineStats } from '../../storage/index.ts'
import { type GroupLags, reckonLags } from './group-lag.ts'
import type { Measured } from './metrics.ts'
import { type ApiFigures, latencyBounds } from './request-figures.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]
type Kind = 'counter' | 'gauge'

/** The engine's figures. */
const engineMetrics: readonly (readonly [Kind, string, string, keyof EngineStats])[] = [
  ['counter', 'flush_groups_total', 'Flush groups written', 'flushGroups'],
  ['counter', 'flushed_bytes_total', 'Bytes of flush groups written', 'flushedBytes'],
  ['counter', 'fsyncs_total', 'Fsyncs of the log', 'fsyncs'],
  ['counter', 'appended_records_total', 'Records appended', 'appendedRecords'],
  ['counter', 'corrupt_reads_total', 'Reads whose checksum did not match', 'corruptReads'],
  ['gauge', 'pending_commits', 'Commits waiting for their flush', 'pendingCommits'],
  ['gauge', 'pending_bytes', 'Appended bytes waiting for their flush', 'pendingBytes'],
  ['gauge', 'waiters', 'Readers waiting for data', 'waiters'],
  ['gauge', 'tail_bytes', 'Memory that holds the newest flush groups', 'tailBytes'],
  ['gauge', 'segments', 'Segments of the log', 'segments'],
  ['gauge', 'log_bytes', 'Size of the log', 'logBytes'],
  ['gauge', 'appends_refused', '1 while appends are refused for want of space', 'refusingAppends'],
  ['counter', 'appends_refused_total', 'Commits refused for want of space', 'refusedAppends'],
  ['gauge', 'disk_free_bytes', "Free space on the store's disk", 'freeBytes'],
  ['gauge', 'disk_bytes', "Size of the store's disk", 'diskBytes'],
  ['counter', 'log_start_moves_total', 'Log starts that retention moved', 'logStartMoves'],
  ['counter', 'segments_deleted_total', 'Segments deleted', 'segmentsDeleted'],
  ['counter', 'deleted_bytes_total', 'Bytes of deleted segments', 'deletedBytes'],
  ['counter', 'segments_cleaned_total', 'Segments rewritten to free space', 'segmentsCleaned'],
  ['counter', 'cleaned_bytes_total', 'Bytes freed by rewriting segments', 'cleanedBytes'],
  ['counter', 'compactions_total', 'Passes of log compaction', 'compactionPasses'],
  ['counter', 'compacted_segments_total', 'Segments rewritten by compaction', 'segmentsCompacted'],
  ['counter', 'compacted_records_total', 'Records that compaction took away', 'compactedRecords'],
  ['counter', 'compacted_bytes_total', 'Bytes freed by compaction', 'compactedBytes'],
  [
    'gauge',
    'uncompactable_queues',
    'Queues of compacted topics that are damaged and left as they are',
    'queuesUncompactable'
  ]
]

/** Of each listener. */
const connectionMetrics: readonly (readonly [Kind, string, string, keyof TcpCounters])[] = [
  ['gauge', 'connections', 'Open connections', 'open'],
  ['counter', 'connections_accepted_total', 'Connections accepted', 'accepted'],
  ['counter', 'connections_refused_total', 'Connections closed on arrival', 'refused'],
  ['counter', 'received_bytes_total', 'Bytes received', 'bytesIn'],
  ['counter', 'sent_bytes_total', 'Bytes sent', 'bytesOut']
]

/** Why the server closed a connection. */
const closings: readonly (readonly [reason: string, keyof TcpCounters])[] = [
  ['malformed', 'malformed'],
  ['failed', 'failed'],
  ['idle', 'idle'],
  ['slow-reader', 'slowReaders'],
  ['stalled-frame', 'stalledFrames']
]

/** Why the server stopped reading a connection for a while. */
const pauses: readonly (readonly [reason: string, keyof TcpCounters])[] = [
  ['answers', 'pausedForAnswers'],
  ['queue', 'pausedForQueue'],
  ['frames', 'pausedForFrames'],
  ['load', 'pausedForLoad']
]

/** A registry with all metrics of one server; nothing is registered globally. */
export function registryOf(measured: Measured): Registry {
  const registry = new Registry()
  addServer(registry, measured)
  addEngine(registry, measured)
  addRequests(registry, measured)
  addConnections(registry, measured)
  addTimers(registry, measured)
  addLags(registry, measured)
  addProcess(registry)
  return registry
}

function add(
  registry: Registry,
  kind: Kind,
  name: string,
  help: string,
  labelNames: readonly string[],
  samples: () => Iterable<Sample> | Promise<Iterable<Sample>>
): void {
  const base = { name, help, labelNames: [...labelNames], registers: [registry] }
  if (kind === 'gauge') {
    new Gauge({
      ...base,
      async collect() {
        this.reset()
        for (const [labels, value] of await samples()) this.set(labels, value)
      }
    })
    return
  }
  new Counter({
    ...base,
    async collect() {
      this.reset()
      for (const [labels, value] of await samples()) this.inc(labels, value)
    }
  })
}

function addServer(registry: Registry, { version, isReady }: Measured): void {
  const info: Labels = { version, node: process.version }
  add(registry, 'gauge', 'isthmus_info', 'Versions', Object.keys(info), () => [[info, 1]])
  add(registry, 'gauge', 'isthmus_ready', '1 when /healthz says ready', [], () => [
    [{}, isReady() ? 1 : 0]
  ])
}

function addEngine(registry: Registry, { engine }: Measured): void {
  for (const [kind, name, help, figure] of engineMetrics) {
    add(registry, kind, `isthmus_${name}`, help, [], () => {
      const stats = engine()?.stats()
      return stats === undefined ? [] : [[{}, stats[figure]]]
    })
  }
}

function addRequests(registry: Registry, { listeners }: Measured): void {
  const perApi = (read: (figures: ApiFigures) => number) => (): Sample[] =>
    listeners().flatMap(({ protocol, figures }) =>
      [...figures.byApi].map(([api, each]): Sample => [{ protocol, api }, read(each)])
    )
  add(
    registry,
    'counter',
    'isthmus_requests_total',
    'Requests answered, by the first error of the answer',
    ['protocol', 'api', 'error'],
    () =>
      listeners().flatMap(({ protocol, figures, errorName }) =>
        [...figures.byApi].flatMap(([api, { requests }]) =>
          [...requests].map(
            ([code, count]): Sample => [{ protocol, api, error: errorName(code) }, count]
          )
        )
      )
  )
  const labels = ['protocol', 'api']
  add(
    registry,
    'counter',
    'isthmus_request_bytes_total',
    'Bytes of requests',
    labels,
    perApi((each) => each.bytesIn)
  )
  add(
    registry,
    'counter',
    'isthmus_response_bytes_total',
    'Bytes of answers',
    labels,
    perApi((each) => each.bytesOut)
  )
  registry.registerMetric(durations({ listeners }) as unknown as Metric)
}

function durations({ listeners }: Pick<Measured, 'listeners'>) {
  const name = 'isthmus_request_duration_seconds'
  const help = "From a request's turn to its answer being ready; a fetch that waits counts its wait"
  return histogram(name, help, () =>
    listeners().flatMap(({ protocol, figures }) =>
      [...figures.byApi].flatMap(([api, { buckets, latencySumSeconds: sum }]) =>
        histogramRows(name, { protocol, api }, { buckets, sum, bounds: latencyBounds })
      )
    )
  )
}

/** A histogram whose buckets are kept in plain numbers; the registry asks a metric for no more than this. */
function histogram(name: string, help: string, rows: () => HistogramRow[]) {
  const kind = { name, help, type: 'histogram', aggregator: 'sum' }
  return { ...kind, get: async () => ({ ...kind, values: rows() }), reset: () => {} }
}

interface HistogramRow {
  readonly metricName: string
  readonly labels: Labels
  readonly value: number
}

/** What falls into each bucket, the last one unbounded, and the sum of all. */
interface Counted {
  readonly buckets: Iterable<number>
  readonly bounds: readonly number[]
  readonly sum: number
}

function histogramRows(
  name: string,
  labels: Labels,
  { buckets, bounds, sum }: Counted
): HistogramRow[] {
  let count = 0
  const rows = [...buckets].map((inBucket, index): HistogramRow => {
    count += inBucket
    const le = `${bounds[index] ?? '+Inf'}`
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
  })
  return [
    ...rows,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count }
  ]
}

function addConnections(registry: Registry, { listeners }: Measured): void {
  for (const [kind, name, help, figure] of connectionMetrics) {
    add(registry, kind, `isthmus_${name}`, help, ['protocol'], () =>
      listeners().map(({ protocol, counters }): Sample => [{ protocol }, counters[figure]])
    )
  }
  const byReason = (rows: typeof closings) => (): Sample[] =>
    listeners().flatMap(({ protocol, counters }) =>
      rows.map(([reason, figure]): Sample => [{ protocol, reason }, counters[figure]])
    )
  const labels = ['protocol', 'reason']
  const closed = 'Connections that the server closed, by reason'
  add(registry, 'counter', 'isthmus_connections_closed_total', closed, labels, byReason(closings))
  const paused = 'How often a connection was not read for a while, by reason'
  add(registry, 'counter', 'isthmus_connection_pauses_total', paused, labels, byReason(pauses))
}

/** What became of records that waited for a time. */
const timerOutcomes = ['added', 'fired', 'settled', 'again', 'dropped'] as const

function addTimers(registry: Registry, { timers }: Measured): void {
  const all = () => Object.entries(timers()?.figures() ?? {})
  const pendingHelp = 'Records that wait for their time, or for the word of their sender'
  add(registry, 'gauge', 'isthmus_timers_pending', pendingHelp, ['kind'], async () => {
    const service = timers()
    if (service === undefined) return []
    return Promise.all(
      timerKinds.map(async (kind): Promise<Sample> => [{ kind }, await service.pending(kind)])
    )
  })
  const help = 'Timers, by what happened to them'
  add(registry, 'counter', 'isthmus_timers_total', help, ['kind', 'outcome'], () =>
    all().flatMap(([kind, figures]) =>
      timerOutcomes.map((outcome): Sample => [{ kind, outcome }, figures[outcome]])
    )
  )
  const refusedHelp = 'How often the store refused what was due, so that it was tried again'
  add(registry, 'counter', 'isthmus_timers_refused_total', refusedHelp, ['kind'], () =>
    all().map(([kind, { refused }]): Sample => [{ kind }, refused])
  )
  const name = 'isthmus_timer_lateness_seconds'
  const latenessHelp = 'From when a timer was due to the append of the copy'
  const rows = () =>
    all().flatMap(([kind, { latenessBuckets: buckets, latenessSumSeconds: sum }]) =>
      histogramRows(name, { kind }, { buckets, sum, bounds: latenessBounds })
    )
  registry.registerMetric(histogram(name, latenessHelp, rows) as unknown as Metric)
}

function addLags(registry: Registry, { engine }: Measured): void {
  const none: GroupLags = { lags: [], omitted: 0 }
  let reckoned = Promise.resolve(none)
  const help = 'Records between the committed offsets of a group and the high watermarks'
  add(registry, 'gauge', 'isthmus_group_lag_records', help, ['group', 'topic'], async () => {
    const store = engine()
    reckoned = store === undefined ? Promise.resolve(none) : reckonLags(store)
    const { lags } = await reckoned
    return lags.map(({ group, topic, records }): Sample => [{ group, topic }, records])
  })
  const omittedHelp = 'Committed offsets left out of isthmus_group_lag_records, which has a limit'
  add(registry, 'gauge', 'isthmus_group_lag_omitted', omittedHelp, [], async () => [
    [{}, (await reckoned).omitted]
  ])
}

/** prom-client's own set observes the process for ever, once for each registry; these are read when asked. */
function addProcess(registry: Registry): void {
  const cpu = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
  const rows: readonly (readonly [Kind, string, string, () => number])[] = [
    ['counter', 'process_cpu_seconds_total', 'CPU time, user and system', cpu],
    ['gauge', 'process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss()],
    [
      'gauge',
      'process_start_time_seconds',
      'Start, since the epoch',
      () => performance.timeOrigin / 1000
    ],
    ['gauge', 'nodejs_heap_used_bytes', "Used of V8's heap", () => process.memoryUsage().heapUsed],
    ['gauge', 'nodejs_external_bytes', 'Memory of buffers', () => process.memoryUsage().external],
    [
      'gauge',
      'nodejs_eventloop_utilization',
      'Share of time that the event loop was busy, since the start',
      () => performance.eventLoopUtilization().utilization
    ]
  ]
  for (const [kind, name, help, read] of rows) {
    add(registry, kind, name, help, [], () => [[{}, read()]])
  }
}
