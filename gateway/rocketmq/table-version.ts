/**
 * The version of a table as tools are told it: the same as long as the table is, after a restart too, and another
 * whenever it is not. It counts nothing.
 */
import { createHash } from 'node:crypto'

export interface TableVersion {
  readonly counter: number
  readonly stateVersion: number
  readonly timestamp: number
}

/** `content`: all of the table. `timestampMs`: of its latest change that is known. */
export function versionOf(content: string, timestampMs: number): TableVersion {
  const counter = createHash('sha1').update(content).digest().readUIntBE(0, 6)
  return { counter, stateVersion: 0, timestamp: timestampMs }
}
