/** `isthmus reindex`: makes LevelDB anew from the newest snapshot and the log of a store that is not open. */
import { isTimerTopicName } from '../../gateway/broker/timers/timer.ts'
import {
  type ReindexReport,
  realFileSystem,
  reindexStore,
  systemClock,
  systemRandom,
  type Topic
} from '../../storage/index.ts'
import { readBootId } from '../boot-id.ts'
import { pickSettings } from '../config.ts'
import { loadConfig } from '../config-sources.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLog } from '../logger.ts'
import { storeSettings } from '../part-settings.ts'
import { refuseNoStore } from './existing-store.ts'

/**
 * @returns the exit code: failed when something of the log is damaged, and was not given up
 * @throws UsageError, and OpenError for a folder that holds no store or is open elsewhere
 */
export async function reindex(options: Readonly<Record<string, unknown>>): Promise<number> {
  const { config } = await loadConfig(options, process.env)
  const log = await createLog(config.logLevel)
  await refuseNoStore(config.data)
  const report = await reindexStore({
    folder: config.data,
    fileSystem: realFileSystem,
    clock: systemClock,
    random: systemRandom,
    log,
    settings: pickSettings(config, storeSettings),
    bootId: await readBootId(),
    skipDamaged: options['skip-damaged'] === true,
    fromSegments: options['from-segments'] === true,
    settingsOf: settingsOfLost
  })
  const lines = [...salvagedLines(report), ...givenUpLines(report), summaryOf(report)]
  process.stdout.write(`${lines.join('\n')}\n`)
  const isWhole = report.damages.length === 0 || report.givenUp !== undefined
  return isWhole ? exitCodes.done : exitCodes.failed
}

/** Nothing is to be deleted by settings that nobody chose. */
function settingsOfLost({ kafka }: Topic['names']): Pick<Topic, 'config' | 'system'> {
  return isTimerTopicName(kafka)
    ? { config: {}, system: true }
    : { config: { 'retention.ms': '-1', 'retention.bytes': '-1' }, system: false }
}

/** What is not known of a log that is not all there. */
function salvagedLines({ salvaged }: ReindexReport): string[] {
  if (salvaged === undefined) return []
  const { fromSegments, isStateLost, gaps, leftOut, topics } = salvaged
  return [
    ...(fromSegments ? ['no snapshot can be read: the state is what the segments tell'] : []),
    ...gaps.map(gapLine),
    ...leftOut.map((id) => `left out: segment ${id}, a copy of what other segments have`),
    ...(isStateLost
      ? ['state that was in no other place is lost: settings, committed offsets, deletions, timers']
      : []),
    ...topics.map(
      (name) => `settings are lost: topic ${name} keeps its records until it is told not to`
    )
  ]
}

type Gap = NonNullable<ReindexReport['salvaged']>['gaps'][number]

function gapLine({ firstSegment, lastSegment, firstSequence, lastSequence }: Gap): string {
  if (lastSegment === undefined || lastSequence === undefined)
    return `the end is not there: segment ${firstSegment}, from flush group ${firstSequence} on`
  const segments =
    firstSegment === lastSegment
      ? `segment ${firstSegment}`
      : `segments ${firstSegment} to ${lastSegment}`
  return `deleted, cleaned or lost: ${segments}, flush groups ${firstSequence} to ${lastSequence}`
}

/** What cannot be had back. */
function givenUpLines({ damages, givenUp }: ReindexReport): string[] {
  if (givenUp === undefined) return []
  const groups = damages.flatMap(({ segment, sequences }) =>
    sequences === undefined || sequences.last < sequences.first
      ? []
      : [`given up: flush groups ${sequences.first} to ${sequences.last} of segment ${segment}`]
  )
  const files = givenUp.missing.map((segment) => `given up: segment ${segment} is not there`)
  const records = givenUp.lost.map(
    ({ topic, queue, firstOffset, lastOffset, segment }) =>
      `given up: topic ${topic}, queue ${queue}, offsets ${firstOffset} to ${lastOffset}, of segment ${segment}`
  )
  return [...files, ...groups, ...records]
}

function summaryOf(report: ReindexReport): string {
  const { groupsReplayed, bytesScanned, cut, damages, givenUp, tookMs } = report
  const lost = [
    ...(cut === undefined ? [] : [`a torn tail of ${cut.bytes} bytes was cut`]),
    ...(damages.length === 0 ? [] : [`${damages.length} places of the log are damaged`]),
    ...(givenUp === undefined || givenUp.segments.length === 0
      ? []
      : [`segments written anew: ${givenUp.segments.join(', ')}`])
  ]
  return [
    `replayed ${groupsReplayed} flush groups, ${bytesScanned} bytes, in ${Math.round(tookMs)} ms`,
    ...lost
  ].join('; ')
}
