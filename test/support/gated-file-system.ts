import type { File, FileSystem } from '../../storage/ports.ts'

/** Holds back fsyncs while a test looks at what is, and is not yet, to be seen. */
export class SyncGate {
  #open: Promise<void> = Promise.resolve()
  #release: () => void = () => {}
  /** Fsyncs that arrived while the gate was shut, and wait. */
  waiting = 0

  hold(): void {
    this.#open = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  release(): void {
    this.waiting = 0
    this.#release()
    this.#open = Promise.resolve()
  }

  async pass(): Promise<void> {
    this.waiting++
    await this.#open
    this.waiting = Math.max(0, this.waiting - 1)
  }
}

/** `disk`, with every file's datasync and sync going through `gate`. */
export function gatedFileSystem(disk: FileSystem, gate: SyncGate): FileSystem {
  return {
    open: async (path, mode) => gatedFile(await disk.open(path, mode), gate),
    makeFolder: (path) => disk.makeFolder(path),
    list: (path) => disk.list(path),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    syncFolder: (path) => disk.syncFolder(path),
    linkCount: (path) => disk.linkCount(path),
    space: (path) => disk.space(path)
  }
}

function gatedFile(file: File, gate: SyncGate): File {
  return {
    read: (target, targetStart, length, position) =>
      file.read(target, targetStart, length, position),
    writev: (buffers, position) => file.writev(buffers, position),
    datasync: async () => {
      await gate.pass()
      await file.datasync()
    },
    sync: async () => {
      await gate.pass()
      await file.sync()
    },
    truncate: (length) => file.truncate(length),
    size: () => file.size(),
    close: () => file.close()
  }
}
