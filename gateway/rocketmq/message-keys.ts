/** The keys of a message: its unique key, and those in KEYS. */
import {
  keySeparator,
  keysName,
  type RecordMessage,
  uniqueKeyName
} from '../broker/translate/index.ts'

export interface KeyWanted {
  readonly key: string
  /** It is a UNIQ_KEY, which no other message has. */
  readonly isUnique: boolean
  /** Store times, both inclusive, ms. */
  readonly fromMs: number
  readonly toMs: number
  /** 1 and up. */
  readonly countMax: number
}

/** As RocketMQ's IndexService has it: KEYS is cut at spaces. */
export function hasKey(message: Pick<RecordMessage, 'property'>, key: string): boolean {
  if (message.property(uniqueKeyName) === key) return true
  return (message.property(keysName) ?? '').split(keySeparator).includes(key)
}
