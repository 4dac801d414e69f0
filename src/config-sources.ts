/** Where settings come from. The first that has a setting wins: command line, environment, file, default. */
import { readFile } from 'node:fs/promises'
import {
  addressMapOf,
  type Config,
  defaultConfig,
  type SettingName,
  settingNames,
  settings
} from './config.ts'
import { environmentName, optionName, settingValue } from './setting.ts'
import { UsageError } from './usage-error.ts'

export type Source = 'option' | 'environment' | 'file' | 'default'

export interface LoadedConfig {
  readonly config: Config
  readonly sources: Readonly<Record<SettingName, Source>>
}

/** A settings file larger than this is refused, bytes. */
const configFileBytesMax = 1024 * 1024

/** Names the settings file; not itself a setting of the file. */
export const configFileVariable = 'ISTHMUS_CONFIG'

/**
 * Puts the settings together.
 * @param options what the command line gave, by option name (`kafka-port`), `config` among them
 * @throws UsageError for a setting that is unknown, given twice or out of its limits, and a file that cannot be read
 */
export async function loadConfig(
  options: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>
): Promise<LoadedConfig> {
  refuseUnknownVariables(environment)
  const file = await readConfigFile(options.config ?? environment[configFileVariable])
  const config: Record<string, unknown> = { ...defaultConfig() }
  const sources: Record<string, Source> = {}
  for (const name of settingNames) {
    const option = optionName(name)
    const variable = environmentName(name)
    const found =
      pick(options[option], 'option', `--${option}`) ??
      pick(variableOf(environment, variable), 'environment', variable) ??
      pick(file?.values[option], 'file', `${file?.path}: ${option}`)
    sources[name] = found?.source ?? 'default'
    if (found !== undefined) config[name] = settingValue(settings[name], found.raw, found.where)
  }
  addressMapOf((config as unknown as Config).advertise)
  return { config: config as unknown as Config, sources: sources as LoadedConfig['sources'] }
}

function pick(raw: unknown, source: Source, where: string) {
  return raw === undefined ? undefined : { raw, source, where }
}

interface ConfigFile {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

async function readConfigFile(path: unknown): Promise<ConfigFile | undefined> {
  if (path === undefined) return undefined
  if (typeof path !== 'string' || path === '') throw new UsageError('--config needs one file')
  const values = parseJson(path, await readText(path))
  const known = new Set<string>(settingNames.map(optionName))
  const unknown = Object.keys(values).find((name) => !known.has(name))
  if (unknown !== undefined) throw new UsageError(`${path}: unknown setting ${unknown}`)
  return { path, values }
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path)
    if (bytes.length <= configFileBytesMax) return bytes.toString('utf8')
  } catch (error) {
    throw new UsageError(`cannot read the settings file: ${(error as Error).message}`)
  }
  throw new UsageError(`${path}: larger than ${configFileBytesMax} bytes`)
}

function parseJson(path: string, text: string): Record<string, unknown> {
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (error) {
    const [line] = (error as Error).message.split('\n')
    throw new UsageError(`${path}: not JSON: ${line}`)
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new UsageError(`${path}: not a JSON object of settings`)
  }
  return values as Record<string, unknown>
}

/**
 * Kubernetes puts variables into every container for each service of the namespace. A service named isthmus (or
 * isthmus-kafka) makes ISTHMUS_PORT=tcp://10.0.0.1:9092, ISTHMUS_SERVICE_HOST, ISTHMUS_PORT_9092_TCP_ADDR, ...;
 * they are no settings of ours, even where a name collides (ISTHMUS_KAFKA_PORT).
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_\w+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

function variableOf(
  environment: Readonly<Record<string, string | undefined>>,
  name: string
): string | undefined {
  const value = environment[name]
  return value === undefined || isServiceLink(name, value) ? undefined : value
}

function refuseUnknownVariables(environment: Readonly<Record<string, string | undefined>>): void {
  const known = new Set<string>([configFileVariable, ...settingNames.map(environmentName)])
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('ISTHMUS_') || known.has(name)) continue
    if (isServiceLink(name, value ?? '')) continue
    throw new UsageError(`unknown setting ${name} in the environment`)
  }
}
