import type { BatchRecord } from '../../storage/batch/records.ts'

/** What is compared of a record. */
export function plainRecord({ offset, timestamp, key, value, headers }: BatchRecord) {
  return { offset, timestamp, key, value, headers }
}
