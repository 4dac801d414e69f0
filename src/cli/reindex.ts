/** `isthmus reindex`: makes LevelDB anew from the newest snapshot and the log of a store that is not open. */
import {
  type ReindexReport,
  realFileSystem,
  reindexStore,
  systemClock,
  systemRandom
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
    skipDamaged: options['skip-damaged'] === true
  })
  const lines = [...givenUpLines(report), summaryOf(report)]
  process.stdout.write(`${lines.join('\n')}\n`)
  const isWhole = report.damages.length === 0 || report.givenUp !== undefined
  return isWhole ? exitCodes.done : exitCodes.failed
}

/** What cannot be had back. */
function givenUpLines({ damages, givenUp }: ReindexReport): string[] {
  if (givenUp === undefined) return []
  const groups = damages.flatMap(({ segment, sequences }) =>
    sequences === undefined || sequences.last < sequences.first
      ? []
      : [`given up: flush groups ${sequences.first} to ${sequences.last} of segment ${segment}`]
  )
  const records = givenUp.lost.map(
    ({ topic, queue, firstOffset, lastOffset, segment }) =>
      `given up: topic ${topic}, queue ${queue}, offsets ${firstOffset} to ${lastOffset}, of segment ${segment}`
  )
  return [...groups, ...records]
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
