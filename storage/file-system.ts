/** The real disk. The only importer of node:fs, so that tests can put a faulty disk under everything. */
import * as fs from 'node:fs'
import type { File, FileSystem, OpenMode, SpaceReport } from './ports.ts'
import { failedSync, writeThenSync } from './write-then-sync.ts'

/** IOV_MAX: what one writev takes on Linux and macOS. */
const buffersPerWriteMax = 1024
/** Linux writes at most 0x7ffff000 bytes a call; libuv hands the count back as an int. */
const bytesPerWriteMax = 1024 * 1024 * 1024

const openFlags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL
}

/** Every call goes to libuv's pool by the callback API, which costs less than fs.promises' file handles. */
export const realFileSystem: FileSystem = {
  async open(path, mode) {
    const handle = await call<number>((done) => fs.open(path, openFlags[mode], 0o640, done))
    return new RealFile(handle, path, mode !== 'read')
  },
  async makeFolder(path, isPrivate = false) {
    const options = { recursive: true, mode: isPrivate ? 0o700 : 0o777 } as const
    await call<string | undefined>((done) => fs.mkdir(path, options, done))
  },
  list(path) {
    return call<string[]>((done) => fs.readdir(path, done))
  },
  rename(from, to) {
    return run((done) => fs.rename(from, to, done))
  },
  unlink(path) {
    return run((done) => fs.unlink(path, done))
  },
  link(from, to) {
    return run((done) => fs.link(from, to, done))
  },
  async syncFolder(path) {
    const folder = await call<number>((done) => fs.open(path, fs.constants.O_RDONLY, done))
    try {
      await run((done) => fs.fsync(folder, done))
    } finally {
      await run((done) => fs.close(folder, done))
    }
  },
  async linkCount(path) {
    return (await call<fs.Stats>((done) => fs.stat(path, done))).nlink
  },
  async space(path): Promise<SpaceReport> {
    const stats = await call<fs.StatsFs>((done) => fs.statfs(path, done))
    return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize }
  }
}

/**
 * With O_DSYNC a write is durable when it ends: one visit to the pool instead of two, each of which wakes a thread and
 * is woken by it. Elsewhere than on Linux it does not reach the disk as fdatasync does.
 */
const durableFlags =
  process.platform === 'linux' ? fs.constants.O_WRONLY | fs.constants.O_DSYNC : undefined

class RealFile implements File {
  readonly #handle: number
  readonly #path: string
  /** The same file with `durableFlags`, once it is wanted; -1 where there can be none. */
  #durable: number | undefined
  #closed = false

  constructor(handle: number, path: string, isWritable: boolean) {
    this.#handle = handle
    this.#path = path
    if (!isWritable) this.#durable = -1
  }

  async read(target: Buffer, targetStart: number, length: number, position: number) {
    let total = 0
    while (total < length) {
      const at = targetStart + total
      const count = await call<number>((done) =>
        fs.read(this.#handle, target, at, length - total, position + total, done)
      )
      if (count === 0) break
      total += count
    }
    return total
  }

  writev(buffers: readonly Buffer[], position: number): Promise<void> {
    return writeAll(this.#handle, buffers, position)
  }

  async writevDurable(buffers: readonly Buffer[], position: number): Promise<void> {
    // Else each part of the vector would be fsynced on its own.
    const isOneWrite = buffers.length <= buffersPerWriteMax
    if (isOneWrite) this.#durable ??= await this.#openDurable()
    const handle = (isOneWrite ? this.#durable : undefined) ?? -1
    if (handle < 0) {
      await writeThenSync(this, buffers, position)
      return
    }
    try {
      await writeAll(handle, buffers, position)
    } catch (error) {
      // It does not say whether there was no room to take the bytes or to write out what it had taken. The latter is
      // told to the other handle too, at its next fsync.
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        await this.datasync().catch(failedSync)
      throw error
    }
  }

  async #openDurable(): Promise<number> {
    if (durableFlags === undefined) return -1
    const flags = durableFlags
    const handle = await call<number>((done) => fs.open(this.#path, flags, done)).catch(() => -1)
    if (handle < 0) return handle
    const [mine, found] = await Promise.all(
      [this.#handle, handle].map((one) => call<fs.Stats>((done) => fs.fstat(one, done)))
    )
    if (mine?.ino === found?.ino && mine?.dev === found?.dev) return handle
    // Somebody gave the name to another file.
    await run((done) => fs.close(handle, done))
    return -1
  }

  datasync(): Promise<void> {
    return run((done) => fs.fdatasync(this.#handle, done))
  }

  sync(): Promise<void> {
    return run((done) => fs.fsync(this.#handle, done))
  }

  truncate(length: number): Promise<void> {
    return run((done) => fs.ftruncate(this.#handle, length, done))
  }

  async size(): Promise<number> {
    return (await call<fs.Stats>((done) => fs.fstat(this.#handle, done))).size
  }

  async close(): Promise<void> {
    // A second close could hit another file that got the same number.
    if (this.#closed) return
    this.#closed = true
    const durable = this.#durable ?? -1
    try {
      if (durable >= 0) await run((done) => fs.close(durable, done))
    } finally {
      await run((done) => fs.close(this.#handle, done))
    }
  }
}

async function writeAll(
  handle: number,
  buffers: readonly Buffer[],
  position: number
): Promise<void> {
  let index = 0
  // Bytes of buffers[index] that are written.
  let skip = 0
  let at = position
  for (;;) {
    // Steps over empty buffers too: a vector of nothing else would write 0 bytes, for ever.
    while (index < buffers.length && skip >= buffers[index]!.length) {
      skip -= buffers[index++]!.length
    }
    if (index === buffers.length) return
    const some = nextBuffers(buffers, index, skip)
    const written = await call<number>((done) => fs.writev(handle, some, at, done))
    if (written === 0) throw Object.assign(new Error('writev wrote nothing'), { code: 'EIO' })
    at += written
    skip += written
  }
}

/** What one call may take of `buffers` from `index` on, of whose first `skip` bytes are written. */
function nextBuffers(buffers: readonly Buffer[], index: number, skip: number): Buffer[] {
  const some: Buffer[] = []
  let bytes = 0
  for (let at = index; at < buffers.length && some.length < buffersPerWriteMax; at++) {
    const left = bytesPerWriteMax - bytes
    const whole = at === index && skip > 0 ? buffers[at]!.subarray(skip) : buffers[at]!
    const buffer = whole.length > left ? whole.subarray(0, left) : whole
    some.push(buffer)
    bytes += buffer.length
    if (bytes === bytesPerWriteMax) break
  }
  return some
}

function call<T>(
  start: (done: (error: NodeJS.ErrnoException | null, result?: T) => void) => void
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result as T)))
  })
}

function run(start: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()))
  })
}
