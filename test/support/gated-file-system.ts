import type { File, FileSystem } from '../../storage/ports.ts'
import { writeThenSync } from '../../storage/write-then-sync.ts'
import { PowerLost } from './disk-faults.ts'

/** Holds back fsyncs while a test looks at what is, and is not yet, to be seen. */
export class SyncGate {
  #open: Promise<void> = Promise.resolve()
  #release: (error?: Error) => void = () => {}
  /** Fsyncs that arrived while the gate was shut, and wait. */
  waiting = 0

  hold(): void {
    this.#open = new Promise((resolve, reject) => {
      this.#release = (error) => (error === undefined ? resolve() : reject(error))
    })
    // There may be nobody who waits.
    this.#open.catch(() => undefined)
  }

  /** `error`: what the fsyncs that wait come to. */
  release(error?: Error): void {
    this.waiting = 0
    this.#release(error)
    this.#open = Promise.resolve()
  }

  async pass(): Promise<void> {
    this.waiting++
    await this.#open
    this.waiting = Math.max(0, this.waiting - 1)
  }
}

/**
 * `disk`, with every file's datasync and sync going through `gate`, and its writes through `writes`. After `kill` every call rejects, as the calls of a
 * process that is no more would never return.
 */
export function gatedFileSystem(
  disk: FileSystem,
  gate: SyncGate,
  writes: SyncGate = new SyncGate()
): { readonly fileSystem: FileSystem; kill(): void } {
  let killed = false
  const live = async <T>(call: () => Promise<T>): Promise<T> => {
    if (killed) throw new PowerLost()
    return await call()
  }
  const through = <T>(one: SyncGate, call: () => Promise<T>) =>
    live(async () => {
      await one.pass()
      return await live(call)
    })
  const gated = <T>(call: () => Promise<T>) => through(gate, call)
  const gatedFile = (file: File): File => {
    const halves: Pick<File, 'writev' | 'datasync'> = {
      writev: (buffers, position) => through(writes, () => file.writev(buffers, position)),
      datasync: () => gated(() => file.datasync())
    }
    return {
      ...halves,
      read: (target, targetStart, length, position) =>
        live(() => file.read(target, targetStart, length, position)),
      writevDurable: (buffers, position) => writeThenSync(halves, buffers, position),
      sync: () => gated(() => file.sync()),
      truncate: (length) => live(() => file.truncate(length)),
      size: () => live(() => file.size()),
      close: () => file.close()
    }
  }
  const fileSystem: FileSystem = {
    open: (path, mode) => live(async () => gatedFile(await disk.open(path, mode))),
    makeFolder: (path, isPrivate) => live(() => disk.makeFolder(path, isPrivate)),
    link: (from, to) => live(() => disk.link(from, to)),
    list: (path) => live(() => disk.list(path)),
    rename: (from, to) => live(() => disk.rename(from, to)),
    unlink: (path) => live(() => disk.unlink(path)),
    syncFolder: (path) => live(() => disk.syncFolder(path)),
    linkCount: (path) => live(() => disk.linkCount(path)),
    space: (path) => live(() => disk.space(path))
  }
  return {
    fileSystem,
    kill: () => {
      killed = true
    }
  }
}
