/** What a setting is: its type, default and limits, and how a text becomes its value. */
import { UsageError } from './usage-error.ts'

interface Described {
  /** One line for --help and docs/settings.md. */
  readonly doc: string
  /** The heading it stands under in --help and docs/settings.md. */
  readonly section: Section
}

export type Section =
  | 'Where'
  | 'Durability and storage'
  | 'Topics'
  | 'Groups'
  | 'Timers'
  | 'Transactions'
  | 'Requests'
  | 'Connections'
  | 'Log'

export interface IntegerSetting extends Described {
  readonly kind: 'integer'
  readonly default: number
  readonly min: number
  readonly max: number
  /** 'bytes', 'ms', 'port', ... */
  readonly unit: string
}

export interface TextSetting extends Described {
  readonly kind: 'text'
  readonly default: string
  /** Characters; the least is 1. */
  readonly max: number
  /** Which characters it may have, and in words; any where absent. */
  readonly alphabet?: { readonly pattern: RegExp; readonly words: string }
}

export interface ChoiceSetting<C extends string = string> extends Described {
  readonly kind: 'choice'
  readonly default: C
  readonly choices: readonly C[]
}

export interface SwitchSetting extends Described {
  readonly kind: 'switch'
  readonly default: boolean
}

export interface ListSetting extends Described {
  readonly kind: 'list'
  readonly default: readonly string[]
  /** Entries. */
  readonly max: number
  /** Characters of one entry. */
  readonly entryMax: number
  /** Says what is wrong with the entry, or nothing. */
  readonly refuse: (entry: string) => string | undefined
  /** How an entry looks. */
  readonly form: string
}

export type Setting = IntegerSetting | TextSetting | ChoiceSetting | SwitchSetting | ListSetting

/** The type of a setting's value. */
export type ValueOf<S extends Setting> = S extends IntegerSetting
  ? number
  : S extends TextSetting
    ? string
    : S extends ChoiceSetting<infer C>
      ? C
      : S extends SwitchSetting
        ? boolean
        : readonly string[]

/** `kafkaPort` as `kafka-port`: the command line's and the file's spelling. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `kafkaPort` as `ISTHMUS_KAFKA_PORT`. */
export function environmentName(key: string): string {
  return `ISTHMUS_${optionName(key).replaceAll('-', '_').toUpperCase()}`
}

/** The values a setting takes, in words: for docs, --help and refusals. */
export function rangeOf(setting: Setting): string {
  switch (setting.kind) {
    case 'integer':
      return `${setting.min} to ${setting.max}`
    case 'text':
      return `1 to ${setting.max} ${setting.alphabet?.words ?? 'characters'}`
    case 'choice':
      return setting.choices.join(', ')
    case 'switch':
      return 'true, false'
    case 'list':
      return `up to ${setting.max} of ${setting.form}`
  }
}

/**
 * Turns what a source gave into the setting's value. `raw` is text from the command line and the environment (a list
 * of texts for a repeated option), and any JSON value from a file. `where` names the source for the refusal.
 * @throws UsageError in one line
 */
export function settingValue(setting: Setting, raw: unknown, where: string): unknown {
  if (setting.kind !== 'list' && Array.isArray(raw)) {
    throw new UsageError(`${where}: given ${raw.length} times, it takes one value`)
  }
  const value = setting.kind === 'list' ? listOf(setting, raw, where) : scalarOf(setting, raw)
  if (value === undefined) {
    throw new UsageError(`${where}: ${shown(raw)} is not one of: ${rangeOf(setting)}`)
  }
  return value
}

function scalarOf(setting: Exclude<Setting, ListSetting>, raw: unknown): unknown {
  switch (setting.kind) {
    case 'integer':
      return integerOf(setting, raw)
    case 'text':
      return typeof raw === 'string' && fitsText(setting, raw) ? raw : undefined
    case 'choice':
      return setting.choices.find((choice) => choice === raw)
    case 'switch':
      return raw === true || raw === 'true'
        ? true
        : raw === false || raw === 'false'
          ? false
          : undefined
  }
}

function fitsText({ max, alphabet }: TextSetting, text: string): boolean {
  return text.length >= 1 && text.length <= max && (alphabet?.pattern.test(text) ?? true)
}

function integerOf(setting: IntegerSetting, raw: unknown): number | undefined {
  const number =
    typeof raw === 'number'
      ? raw
      : typeof raw === 'string' && /^-?\d{1,16}$/.test(raw)
        ? Number(raw)
        : Number.NaN
  const fits = Number.isSafeInteger(number) && number >= setting.min && number <= setting.max
  return fits ? number : undefined
}

function listOf(setting: ListSetting, raw: unknown, where: string): readonly string[] | undefined {
  const entries: unknown[] =
    typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [raw]
  if (entries.length > setting.max) {
    throw new UsageError(`${where}: ${entries.length} entries, at most ${setting.max} are taken`)
  }
  return entries.map((entry) => {
    if (typeof entry !== 'string' || entry === '' || entry.length > setting.entryMax) {
      throw new UsageError(`${where}: ${shown(entry)} is not of the form ${setting.form}`)
    }
    const reason = setting.refuse(entry)
    if (reason !== undefined) throw new UsageError(`${where}: ${reason}`)
    return entry
  })
}

/** At most this much of a bad value is shown. */
const shownCharactersMax = 100

function shown(raw: unknown): string {
  const text = JSON.stringify(raw) ?? 'nothing'
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}...` : text
}
