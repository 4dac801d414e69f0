/**
 * `isthmus backup`: a copy of a store in another folder, consistent as of one moment. The server that has the store open
 * makes it; where there is none the command opens the store itself.
 */
import { resolve } from 'node:path'
import {
  BackupError,
  type BackupReport,
  openStore,
  realFileSystem,
  systemClock,
  systemRandom
} from '../../storage/index.ts'
import { readBootId } from '../boot-id.ts'
import { type Config, pickSettings } from '../config.ts'
import { loadConfig } from '../config-sources.ts'
import { askForBackup, ControlError } from '../control/control-client.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLog } from '../logger.ts'
import { storeSettings } from '../part-settings.ts'
import { UsageError } from '../usage-error.ts'
import { refuseNoStore } from './existing-store.ts'

/**
 * @returns the exit code: failed where the backup was refused or given up
 * @throws UsageError, and OpenError for a folder that holds no store or is open elsewhere
 */
export async function backup(options: Readonly<Record<string, unknown>>): Promise<number> {
  const { to } = options
  if (typeof to !== 'string' || to === '') throw new UsageError('--to needs one folder')
  const { config } = await loadConfig(options, process.env)
  await refuseNoStore(config.data)
  try {
    const folder = resolve(to)
    const report = (await askForBackup(config.data, folder)) ?? (await backUp(config, folder))
    process.stdout.write(`${summaryOf(report)}\n`)
    return exitCodes.done
  } catch (error) {
    if (!(error instanceof BackupError || error instanceof ControlError)) throw error
    process.stderr.write(`isthmus: ${error.message}\n`)
    return exitCodes.failed
  }
}

/** Opens the store as a start would, recovery included, and closes it. */
async function backUp(config: Config, folder: string): Promise<BackupReport> {
  const store = await openStore({
    folder: config.data,
    fileSystem: realFileSystem,
    clock: systemClock,
    random: systemRandom,
    log: await createLog(config.logLevel),
    flushMode: config.flush,
    settings: pickSettings(config, storeSettings),
    bootId: await readBootId()
  })
  try {
    return await store.backup(folder)
  } finally {
    await store.close()
  }
}

function summaryOf({ folder, sequence, segments, linked, copied, bytes }: BackupReport): string {
  return (
    `backed up to ${folder}: ${segments} segments, ${bytes} bytes of log through flush group ` +
    `${sequence}; ${linked} files linked, ${copied} copied`
  )
}
