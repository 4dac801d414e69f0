import type { DriverCommand } from './driver.ts'
import type { RecordTraits } from './records.ts'
import type { Codec } from './wire.ts'

/** A client under test: what it can do, and how its driver is started. */
export interface Client {
  name: string
  codecs: readonly Codec[]
  /** Those of them in which it can read what others wrote. */
  codecsShared: readonly Codec[]
  traits: RecordTraits
  /** Has an admin client: topics are created, deleted and looked at, offsets read from outside the group. */
  admin: boolean
  /**
   * Goes on fetching a partition that it is losing, so that a record sent in a rebalance may reach two members:
   * at least once then, in order all the same.
   */
  givesAgain: boolean
  command: DriverCommand
}
