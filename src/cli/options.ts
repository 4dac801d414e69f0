/** The command line's options, made from the table of settings. */
import { type SettingName, settings } from '../config.ts'
import { environmentName, optionName, rangeOf, type Setting } from '../setting.ts'

/** What yargs is told of one option. */
export interface Option {
  readonly describe: string
  readonly group: string
  readonly requiresArg: true
  readonly defaultDescription?: string
  /** yargs gives text as it is; values are checked together with the other sources'. */
  readonly string: true
}

/** An option of one command that is no setting. */
export interface CommandOption {
  readonly describe: string
  readonly group: string
  readonly requiresArg?: true
  readonly string?: true
  readonly boolean?: true
}

/** Options for the settings named, and `--config`. */
export function optionsFor(names: readonly SettingName[]): Record<string, Option> {
  const options: Record<string, Option> = {
    config: {
      describe: 'JSON file of settings, by the names of these options; also ISTHMUS_CONFIG',
      group: 'Settings file',
      requiresArg: true,
      string: true
    }
  }
  for (const name of names) options[optionName(name)] = optionFor(name, settings[name])
  return options
}

function optionFor(name: SettingName, setting: Setting): Option {
  const standard = describeDefault(setting)
  return {
    describe: `${setting.doc} (${rangeOf(setting)}) ${environmentName(name)}`,
    group: setting.section,
    requiresArg: true,
    string: true,
    ...(standard === '' ? {} : { defaultDescription: standard })
  }
}

/** A default as text; empty where there is none. */
export function describeDefault(setting: Setting): string {
  return Array.isArray(setting.default) ? setting.default.join(',') : String(setting.default)
}
