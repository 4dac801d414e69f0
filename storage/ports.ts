/** What storage asks of the world. Tests put a fake clock, a seeded generator and a faulty disk behind these. */

/** A timer that was started and can still be stopped. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall-clock time, ms since the epoch. May step backwards; whoever needs order takes `monotonicMs`. */
  now(): number
  /** Time that never goes back, in ms with a fraction, from an arbitrary start. */
  monotonicMs(): number
  /** Calls `fire` once after `delayMs` (>= 0). Does not keep the process alive. */
  after(delayMs: number, fire: () => void): Timer
}

/** Turns of the event loop, shared by all who work on many bytes. */
export interface BulkTurns {
  /** Whether so many bytes may be worked on at once, in this turn; if so they are counted. */
  take(bytes: number): boolean
  /** Calls `go` once, in the first turn that has room for it after those who wait; the bytes are counted then. */
  wait(bytes: number, go: () => void): void
}

export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Buffer
  /** A random (version 4) UUID as 16 bytes. */
  uuid(): Buffer
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where lifecycle events go: an event name that is stable, and its data. */
export type LogSink = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void

/** An open file. Positions are explicit: no call depends on an earlier one. All lengths in bytes. */
export interface File {
  /** Reads up to `length` bytes into `target`; returns how many were there (short only at the end of the file). */
  read(target: Buffer, targetStart: number, length: number, position: number): Promise<number>
  /** Writes all of `buffers` one after the other from `position` on. A short write is finished or rejected. */
  writev(buffers: readonly Buffer[], position: number): Promise<void>
  /**
   * `writev`, then `datasync`, in one call where the system has one. Rejects with ENOSPC only for bytes that did not go
   * in: where what went in could not be made durable, the code is another.
   */
  writevDurable(buffers: readonly Buffer[], position: number): Promise<void>
  /** fdatasync: data, and what is needed to read it back. */
  datasync(): Promise<void>
  /** fsync: data and all metadata. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** `read` opens an existing file; `write` too, for both; `create` must make it (EEXIST otherwise). */
export type OpenMode = 'read' | 'write' | 'create'

export interface SpaceReport {
  /** Bytes an unprivileged process may still write. */
  freeBytes: number
  totalBytes: number
}

/** Errors are Node's own (`code` ENOENT, ENOSPC, EIO, ...). */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<File>
  /** Makes the folder and its parents; it may exist already. `isPrivate`: if made, for this user alone. */
  makeFolder(path: string, isPrivate?: boolean): Promise<void>
  /** Names in the folder, unsorted; ENOENT if there is none. */
  list(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Gives the file `from` a second name, `to` (EEXIST where there is one; EXDEV on another file system). */
  link(from: string, to: string): Promise<void>
  /** Makes renames, creations and removals in the folder durable. */
  syncFolder(path: string): Promise<void>
  /** Number of hard links of the file. */
  linkCount(path: string): Promise<number>
  space(path: string): Promise<SpaceReport>
}
