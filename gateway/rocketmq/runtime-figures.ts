/** How the server is doing, by the names that RocketMQ's broker has for it: tools parse some of them. */

import { mapLimited } from '../broker/map-limited.ts'
import type { RequestContext } from './context.ts'
import { lookUpsAtOnceMax } from './queue-times.ts'
import { serverVersion, serverVersionName } from './server-version.ts'
import { loadText, perSecond } from './traffic-figures.ts'

/** Queues among which the oldest message is looked for; consoles ask every few seconds. */
const oldestLookUpsMax = 1000

export async function runtimeFigures(context: RequestContext): Promise<Map<string, string>> {
  return new Map([
    ...identity(context),
    ...loads(context),
    ...storeFigures(context),
    ...(await timerFigures(context)),
    ['earliestMessageTimeStamp', `${await earliestStoreTime(context)}`],
    ...stillFigures
  ])
}

type Figures = readonly (readonly [name: string, value: string])[]

function identity({ traffic, clock, engine }: RequestContext): Figures {
  const upMs = clock.monotonicMs() - traffic.startedMs
  return [
    ['brokerVersionDesc', serverVersionName],
    ['brokerVersion', `${serverVersion}`],
    ['brokerActive', `${engine.status().state === 'ready'}`],
    ['bootTimestamp', `${Math.round(clock.now() - upMs)}`],
    ['runtime', durationText(upMs)]
  ]
}

function loads({ traffic, clock }: RequestContext): Figures {
  const { appends, reads, misses, appendDays, readDays } = traffic
  const nowMs = clock.monotonicMs()
  const put = appendDays.get()
  const got = readDays.get()
  const { records, bytes } = appends.total
  return [
    ['putTps', loadText([appends], 'records', nowMs)],
    ['getFoundTps', loadText([reads], 'times', nowMs)],
    ['getMissTps', loadText([misses], 'times', nowMs)],
    ['getTotalTps', loadText([reads, misses], 'times', nowMs)],
    ['getTransferredTps', loadText([reads], 'records', nowMs)],
    // As tools of 4.9 spell it.
    ['getTransferedTps', loadText([reads], 'records', nowMs)],
    ['msgPutTotalTodayNow', `${put.now}`],
    ['msgPutTotalTodayMorning', `${put.today}`],
    ['msgPutTotalYesterdayMorning', `${put.yesterday}`],
    ['msgGetTotalTodayNow', `${got.now}`],
    ['msgGetTotalTodayMorning', `${got.today}`],
    ['msgGetTotalYesterdayMorning', `${got.yesterday}`],
    ['putMessageTimesTotal', `${records}`],
    ['putMessageSizeTotal', `${bytes}`],
    ['putMessageAverageSize', `${records === 0 ? 0 : bytes / records}`]
  ]
}

/** There are no threads with queues of their own: sends wait in the store's line, and nothing else waits. */
function storeFigures({ engine, limits }: RequestContext): Figures {
  const { logBytes, freeBytes, diskBytes, pendingCommits, pendingBytes } = engine.stats()
  const used = diskBytes === 0 ? 0 : (diskBytes - freeBytes) / diskBytes
  const capacity = `Total : ${sizeText(diskBytes)}, Free : ${sizeText(freeBytes)}.`
  return [
    ['sendThreadPoolQueueSize', `${pendingCommits}`],
    ['sendThreadPoolQueueCapacity', `${limits.inFlightMax}`],
    ['remainHowManyDataToFlush', sizeText(pendingBytes)],
    ['commitLogMinOffset', '0'],
    ['commitLogMaxOffset', `${logBytes}`],
    ['commitLogDiskRatio', used.toFixed(2)],
    ['consumeQueueDiskRatio', used.toFixed(2)],
    ['commitLogDirCapacity', capacity]
  ]
}

/** What waits for its time. The rate of what fired is the average since the start. */
async function timerFigures({ timers, traffic, clock }: RequestContext): Promise<Figures> {
  const upMs = clock.monotonicMs() - traffic.startedMs
  const added = traffic.appendsTo(timers.queueOf('delayed'))?.over('minute', clock.monotonicMs(), 1)
  return [
    ['timerCongestNum', `${await timers.pending('delayed')}`],
    ['timerEnqueueTps', `${added === undefined ? 0 : perSecond(added, 'records')}`],
    ['timerDequeueTps', `${(timers.figures().delayed.fired * 1000) / Math.max(upMs, 1000)}`]
  ]
}

const stillFigures: Figures = [
  'ackThreadPoolQueueHeadWaitTimeMills',
  'ackThreadPoolQueueSize',
  'dispatchBehindBytes',
  'litePullThreadPoolQueueHeadWaitTimeMills',
  'litePullThreadPoolQueueSize',
  'pageCacheLockTimeMills',
  'pullThreadPoolQueueHeadWaitTimeMills',
  'pullThreadPoolQueueSize',
  'queryThreadPoolQueueHeadWaitTimeMills',
  'queryThreadPoolQueueSize',
  'sendThreadPoolQueueHeadWaitTimeMills',
  'startAcceptSendRequestTimeStamp',
  'timerOffsetBehind',
  'timerReadBehind'
].map((name) => [name, '0'] as const)

/** Of the first queues of all; -1 where there is no message. */
async function earliestStoreTime({ engine, topics }: RequestContext): Promise<number> {
  const all = (await topics.list()).flatMap(({ queues }) => queues).slice(0, oldestLookUpsMax)
  const ends = await engine.endsOf(all)
  const queues = all.filter((_, i) => {
    const end = ends[i]
    return end !== undefined && end.logStartOffset < end.highWatermark
  })
  const points = await mapLimited(queues, lookUpsAtOnceMax, (queue) =>
    engine.offsetByTime(queue, 0, 'append')
  )
  const times = points.flatMap((point) => (point === null ? [] : [point.timestampMs]))
  return times.length === 0 ? -1 : Math.min(...times)
}

/** As RocketMQ's broker writes it. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const minutes = Math.floor(seconds / 60) % 60
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${seconds % 60} seconds ]`
}

/** As MixAll.humanReadableByteCount. */
function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 6)
  return `${(bytes / 1024 ** power).toFixed(1)} ${'KMGTPE'[power - 1]}iB`
}
