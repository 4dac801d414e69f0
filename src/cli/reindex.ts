/** `isthmus reindex`: makes LevelDB anew from the newest snapshot and the log of a store that is not open. */
import {
  type RecoveryReport,
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
 * @returns the exit code: failed when something of the log is damaged
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
    bootId: await readBootId()
  })
  process.stdout.write(`${summaryOf(report)}\n`)
  return report.damages.length === 0 ? exitCodes.done : exitCodes.failed
}

function summaryOf({ groupsReplayed, bytesScanned, cut, damages, tookMs }: RecoveryReport): string {
  const lost = [
    ...(cut === undefined ? [] : [`a torn tail of ${cut.bytes} bytes was cut`]),
    ...(damages.length === 0 ? [] : [`${damages.length} places of the log are damaged`])
  ]
  return [
    `replayed ${groupsReplayed} flush groups, ${bytesScanned} bytes, in ${Math.round(tookMs)} ms`,
    ...lost
  ].join('; ')
}
