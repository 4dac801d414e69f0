/** The ways in which calls of a faulty disk end badly. */

export type DiskCall =
  | 'open'
  | 'read'
  | 'writev'
  | 'datasync'
  | 'sync'
  | 'truncate'
  | 'size'
  | 'close'
  | 'makeFolder'
  | 'list'
  | 'rename'
  | 'unlink'
  | 'link'
  | 'syncFolder'
  | 'linkCount'
  | 'space'

/** A call that is to fail, after `skip` others like it. */
export interface Planned {
  readonly call: DiskCall
  readonly path: RegExp
  readonly code: string
  skip: number
}

/** How every call ends once the power is gone. */
export class PowerLost extends Error {
  readonly code = 'POWER_LOST'
  constructor() {
    super('the power is gone')
    this.name = 'PowerLost'
  }
}

/** Probabilities, 0 to 1, for each call; all 0 unless set. */
export interface DiskFaults {
  /** EIO, after a part of the bytes went in. */
  writeFails: number
  /** EIO, see DiskFile.failSync. Datasync and sync alike. */
  syncFails: number
  /** EIO. */
  readFails: number
  /** One bit of what is read is flipped; the stored one is fine. */
  readFlips: number
  /** Datasync, sync and syncFolder succeed and do nothing, as disks with a lying cache do. */
  syncLies: number
}

/** What a call may do where it does not do all. */
export interface PartialEffects {
  readonly stopped?: () => void
  readonly failed?: () => void
}
