/**
 * The same server inside another program: `import { startServer } from 'isthmus'`. Nothing is global: no signal
 * handlers, no environment, no settings file; several servers run side by side, each with its own folder.
 */
import type { BackupReport, LogSink } from '../storage/index.ts'
import { type Config, defaultConfig, type SettingName, settings } from './config.ts'
import { type Server, startServer as startConfigured } from './server.ts'
import { optionName, settingValue } from './setting.ts'
import { makeTemporaryFolder, removeFolder } from './temporary-folder.ts'
import { UsageError } from './usage-error.ts'

export type { BackupErrorCode, BackupReport, LogLevel, LogSink } from '../storage/index.ts'
export { BackupError } from '../storage/index.ts'
export type { Config } from './config.ts'
export type { Endpoint } from './server.ts'
export { StartError } from './start-error.ts'
export { UsageError } from './usage-error.ts'

/** Any setting of docs/settings.md; ports are picked by the system unless given. */
export interface EmbeddedOptions extends Partial<Config> {
  /** Where lifecycle events go; nowhere unless given. */
  readonly log?: LogSink
}

export interface EmbeddedServer {
  /** Where each listener is bound. */
  readonly addresses: Server['addresses']
  /** The store's folder. */
  readonly data: string
  /**
   * Makes a store in `folder` (empty, or not there yet) of all that is acknowledged by now; this one goes on.
   * @throws BackupError; StoreError where the server is closed
   */
  backup(folder: string): Promise<BackupReport>
  /** Drains, closes the store and removes the folder if it was a temporary one. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a server in this process. Without `data` its folder is a temporary one that `close` removes.
 * @throws UsageError for an unknown or bad setting, StartError and OpenError for a start that cannot work
 */
export async function startServer(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const { log = () => {}, ...given } = options
  const config = configOf(given)
  if (given.data !== undefined) {
    const server = await startConfigured({ config, log })
    return embedded(server, config.data, () => server.close())
  }
  return await startTemporary(config, log)
}

async function startTemporary(config: Config, log: LogSink): Promise<EmbeddedServer> {
  const data = await makeTemporaryFolder()
  try {
    const server = await startConfigured({ config: { ...config, data }, log })
    let closed: Promise<void> | undefined
    const close = (): Promise<void> => {
      closed ??= closeTemporary(server, data)
      return closed
    }
    return embedded(server, data, close)
  } catch (error) {
    await removeFolder(data)
    throw error
  }
}

function embedded(server: Server, data: string, close: () => Promise<void>): EmbeddedServer {
  const { addresses } = server
  return { addresses, data, backup: (folder) => server.backup(folder), close }
}

async function closeTemporary(server: Server, data: string): Promise<void> {
  try {
    await server.close()
  } finally {
    await removeFolder(data)
  }
}

function configOf(given: Readonly<Record<string, unknown>>): Config {
  const ports = { kafkaPort: 0, namesrvPort: 0, brokerPort: 0, grpcPort: 0, httpPort: 0 }
  const config: Record<string, unknown> = { ...defaultConfig(), ...ports }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(settings, name)) throw new UsageError(`unknown setting ${name}`)
    if (value === undefined) continue
    config[name] = settingValue(settings[name as SettingName], value, optionName(name))
  }
  return config as unknown as Config
}
