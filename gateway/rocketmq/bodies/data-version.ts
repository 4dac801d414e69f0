import { defaulted, long, struct } from '../codec/index.ts'

/** Tells one state of a table from the next; slaves compare it, tools only show it. */
export const dataVersion = struct({
  counter: long,
  stateVersion: defaulted(long, 0),
  timestamp: long
})
