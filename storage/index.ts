/** The only door to storage. */
export type { BackupReport } from './backup.ts'
export { batchHeaderBytes, type RecordBatch } from './batch/record-batch.ts'
export { type CheckProblem, type CheckReport, checkStore } from './check.ts'
export { checkIndex, type IndexReport } from './check-index.ts'
export * from './contract.ts'
export {
  BackupError,
  type BackupErrorCode,
  backupErrorCodes,
  OpenError,
  type OpenErrorCode,
  openErrorCodes,
  StoreError,
  type StoreErrorCode,
  storeErrorCodes
} from './errors.ts'
export { realFileSystem } from './file-system.ts'
export {
  type CompactionPolicy,
  type KeepPolicy,
  type KeepPolicyOf,
  keepForever
} from './keep-policy.ts'
export { type OpenOptions, openStore } from './open-store.ts'
export type * from './ports.ts'
export type { RecoveryReport } from './recovery-report.ts'
export { type ReindexReport, reindexStore } from './reindex.ts'
export { type FlushMode, type StoreSettings, storeSettings } from './settings.ts'
export { systemTurns } from './sliced-turns.ts'
export * from './state/rows.ts'
export type { Store } from './store.ts'
export { refuseOpenStore } from './store-lock.ts'
export { systemClock, systemRandom } from './system-ports.ts'
