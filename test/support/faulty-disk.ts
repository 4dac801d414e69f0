/**
 * A disk in memory that does what real ones do at their worst. What was not synced may be lost, page by page and name
 * by name, at a power cut; calls can be made to fail, to stop half-way, or to lie.
 */
import type { File, FileSystem, OpenMode, SpaceReport } from '../../storage/ports.ts'
import { writeThenSync } from '../../storage/write-then-sync.ts'
import {
  type DiskCall,
  type DiskFaults,
  type PartialEffects,
  type Planned,
  PowerLost
} from './disk-faults.ts'
import { DiskFile, type PageBudget, pageBytes } from './disk-file.ts'
import { DiskFolder, type DiskNode } from './disk-folder.ts'
import { fault, namesIn } from './disk-paths.ts'
import type { SeededRandom } from './seeded-random.ts'

export interface FaultyDiskOptions {
  readonly random: SeededRandom
  /** ENOSPC beyond it. Default: 1 TiB. */
  readonly capacityBytes?: number
}

export class FaultyDisk implements FileSystem {
  readonly faults: DiskFaults = {
    writeFails: 0,
    syncFails: 0,
    readFails: 0,
    readFlips: 0,
    syncLies: 0
  }
  /** Calls made so far, stopped ones too. */
  calls = 0
  /** Calls that were let through, by kind. */
  readonly counts = new Map<DiskCall, number>()
  /** Paths of open files. */
  readonly openFiles = new Set<{ readonly path: string }>()
  readonly random: SeededRandom
  #budget: PageBudget
  #root = new DiskFolder()
  #planned: Planned[] = []
  #stopAt = Number.POSITIVE_INFINITY
  #stopped = false
  #failed = 0
  /** Told the moment in which the disk stops. */
  onStop: () => void = () => {}

  constructor(options: FaultyDiskOptions) {
    this.random = options.random
    const max = Math.floor((options.capacityBytes ?? 2 ** 40) / pageBytes)
    this.#budget = { used: 0, max, harmed: 0 }
  }

  /** The call number `calls` + `more` + 1 and all after it reject with PowerLost; that one may be half done. */
  stopAfter(more: number): void {
    this.#stopAt = this.calls + more
  }

  /** Every call from now on rejects with PowerLost. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.onStop()
  }

  /** Calls that were cut off or failed, and pages that a power cut dropped, tore or gave an older state. */
  get harm(): number {
    return this.#failed + this.#budget.harmed
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Makes one call fail: the first `call` on a path that matches, after `skip` others. */
  failNext(call: DiskCall, code: string, path: RegExp = /./, skip = 0): void {
    this.#planned.push({ call, path, code, skip })
  }

  /** Somebody else takes all of the disk but `bytes`. */
  leaveFree(bytes: number): void {
    this.#budget.max = this.#budget.used + Math.floor(bytes / pageBytes)
  }

  /** One bit of a file turns over by itself, without anybody being told. */
  rot(path: string, position: number, bit: number): void {
    this.#fileAt(path).rot(position, bit)
  }

  /** What a file holds now, without a call. */
  peek(path: string): Buffer {
    const file = this.#fileAt(path)
    const bytes = Buffer.alloc(file.size)
    file.read(bytes, 0, bytes.length, 0)
    return bytes
  }

  /** What is in a folder now, without a call. */
  namesAt(path: string): string[] {
    return [...this.#folderAt(path).entries.keys()].sort()
  }

  /** Makes a folder, and its parents, that are on the disk already. */
  addFolder(path: string): void {
    let folder = this.#root
    for (const name of namesIn(path)) {
      const node = folder.entries.get(name)
      const next = node instanceof DiskFolder ? node : new DiskFolder()
      if (node !== next) folder.restore(name, next)
      folder = next
    }
  }

  /** The power goes, if it has not yet; what survived, on a disk without faults. */
  powerCut(): FaultyDisk {
    this.stop()
    const { random } = this
    const disk = new FaultyDisk({ random, capacityBytes: this.#budget.max * pageBytes })
    // Sometimes nothing or everything unsynced is kept, mostly some of it.
    const keep = random.pick([0, 1, 1, random.fraction(), random.fraction(), random.fraction()])
    const moved = new Map<DiskNode, DiskNode>()
    disk.#root = this.#survivorOf(this.#root, moved, keep, disk.#budget) as DiskFolder
    return disk
  }

  /** The process dies, the machine does not: the page cache stays as it is, open files are closed. */
  processKill(): FaultyDisk {
    this.stop()
    const disk = new FaultyDisk({ random: this.random })
    disk.#root = this.#root
    disk.#budget = this.#budget
    return disk
  }

  async open(path: string, mode: OpenMode): Promise<File> {
    return await this.#call('open', path, () => {
      const { folder, name } = this.#placeOf(path)
      const node = folder.entries.get(name)
      if (mode === 'create') {
        if (node) throw fault('EEXIST', 'open', path)
        const file = new DiskFile(this.#budget)
        file.links = 1
        folder.set(name, file)
        return this.#handle(path, file, true)
      }
      if (!node) throw fault('ENOENT', 'open', path)
      if (node instanceof DiskFolder) throw fault('EISDIR', 'open', path)
      return this.#handle(path, node, mode === 'write')
    })
  }

  makeFolder(path: string): Promise<void> {
    return this.#call('makeFolder', path, () => {
      let folder = this.#root
      for (const name of namesIn(path)) {
        const node = folder.entries.get(name) ?? new DiskFolder()
        if (node instanceof DiskFile) throw fault('EEXIST', 'mkdir', path)
        if (!folder.entries.has(name)) folder.set(name, node)
        folder = node
      }
    })
  }

  list(path: string): Promise<string[]> {
    return this.#call('list', path, () => [...this.#folderAt(path).entries.keys()])
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => {
      const source = this.#placeOf(from)
      const target = this.#placeOf(to)
      const node = source.folder.entries.get(source.name)
      if (!node) throw fault('ENOENT', 'rename', from)
      const replaced = target.folder.entries.get(target.name)
      if (replaced === node) return
      if (source.folder === target.folder) source.folder.rename(source.name, target.name)
      else {
        target.folder.set(target.name, node)
        source.folder.remove(source.name)
      }
      if (replaced instanceof DiskFile) this.#dropLink(replaced)
    })
  }

  unlink(path: string): Promise<void> {
    return this.#call('unlink', path, () => {
      const file = this.#fileAt(path)
      const { folder, name } = this.#placeOf(path)
      folder.remove(name)
      this.#dropLink(file)
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.#call('link', to, () => {
      const file = this.#fileAt(from)
      const { folder, name } = this.#placeOf(to)
      if (folder.entries.has(name)) throw fault('EEXIST', 'link', to)
      file.links++
      folder.set(name, file)
    })
  }

  syncFolder(path: string): Promise<void> {
    return this.#call('syncFolder', path, () => {
      const folder = this.#folderAt(path)
      if (!this.random.chance(this.faults.syncLies)) folder.sync()
    })
  }

  linkCount(path: string): Promise<number> {
    return this.#call('linkCount', path, () => this.#fileAt(path).links)
  }

  space(path: string): Promise<SpaceReport> {
    return this.#call('space', path, () => {
      const { used, max } = this.#budget
      return { freeBytes: (max - used) * pageBytes, totalBytes: max * pageBytes }
    })
  }

  #handle(path: string, file: DiskFile, writable: boolean): File {
    const { random, faults } = this
    file.opens++
    const entry = { path }
    this.openFiles.add(entry)
    const call = <T>(kind: DiskCall, apply: () => T, parts: PartialEffects = {}): Promise<T> =>
      this.#call(
        kind,
        path,
        () => {
          if (!this.openFiles.has(entry)) throw fault('EBADF', kind, path)
          return apply()
        },
        parts
      )
    const mayWrite = () => {
      if (!writable) throw fault('EBADF', 'write', path)
    }
    const sync = () => {
      if (random.chance(faults.syncFails)) {
        file.failSync(random)
        throw fault('EIO', 'fsync', path)
      }
      if (!random.chance(faults.syncLies)) file.sync()
    }
    const made: File = {
      read: (target, targetStart, length, position) =>
        call('read', () => {
          if (random.chance(faults.readFails)) throw fault('EIO', 'read', path)
          const count = file.read(target, targetStart, length, position)
          if (count > 0 && random.chance(faults.readFlips)) {
            target[targetStart + random.integer(count)]! ^= 1 << random.integer(8)
          }
          return count
        }),
      writev: (buffers, position) => {
        // As a real vector would be, should the caller reuse its buffers too early.
        const data = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers)
        const half = () => {
          if (writable) file.write(data.subarray(0, random.integer(data.length + 1)), position)
        }
        const write = () => {
          mayWrite()
          if (random.chance(faults.writeFails)) {
            half()
            throw fault('EIO', 'writev', path)
          }
          if (file.write(data, position) < data.length) throw fault('ENOSPC', 'writev', path)
        }
        return call('writev', write, { stopped: half, failed: half })
      },
      writevDurable: (buffers, position) => writeThenSync(made, buffers, position),
      // One that is stopped leaves pages dirty: what of them is on the disk, the power cut decides.
      datasync: () => call('datasync', sync, { failed: () => file.failSync(random) }),
      sync: () => call('sync', sync, { failed: () => file.failSync(random) }),
      truncate: (length) =>
        call('truncate', () => {
          mayWrite()
          file.truncate(length)
        }),
      size: () => call('size', () => file.size),
      close: () => {
        if (!this.openFiles.has(entry)) return Promise.resolve()
        return call('close', () => {
          this.openFiles.delete(entry)
          file.opens--
          file.release()
        })
      }
    }
    return made
  }

  /**
   * One call: some turns of the queue, so that calls in flight can pass each other; then all of `apply` at once, or
   * a planned error, or (when the power goes with this call in flight) all, a part or nothing of it.
   */
  async #call<T>(
    kind: DiskCall,
    path: string,
    apply: () => T,
    parts: PartialEffects = {}
  ): Promise<T> {
    this.calls++
    if (this.calls > this.#stopAt && !this.#stopped) this.stop()
    else if (this.#stopped) throw new PowerLost()
    for (let turns = this.random.integer(4); turns > 0; turns--) await undefined
    if (this.#stopped) {
      this.#failed++
      this.#applyPartly(apply, parts.stopped)
      throw new PowerLost()
    }
    const planned = this.#plannedFor(kind, path)
    if (planned) {
      parts.failed?.()
      this.#failed++
      throw fault(planned.code, kind, path)
    }
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    try {
      return apply()
    } catch (error) {
      if (['EIO', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '')) this.#failed++
      throw error
    }
  }

  #applyPartly(apply: () => unknown, half?: () => void): void {
    try {
      const how = this.random.integer(3)
      if (how === 0) apply()
      else if (how === 1) half?.()
    } catch {
      // It failed, and nobody is there to be told.
    }
  }

  #plannedFor(kind: DiskCall, path: string): Planned | undefined {
    const index = this.#planned.findIndex(
      (plan) => plan.call === kind && plan.path.test(path) && plan.skip-- <= 0
    )
    return index < 0 ? undefined : this.#planned.splice(index, 1)[0]
  }

  #survivorOf(
    node: DiskNode,
    moved: Map<DiskNode, DiskNode>,
    keep: number,
    budget: PageBudget
  ): DiskNode {
    const known = moved.get(node)
    if (known) return known
    if (node instanceof DiskFile) {
      const file = node.survivor(this.random, budget, keep)
      moved.set(node, file)
      return file
    }
    const folder = new DiskFolder()
    moved.set(node, folder)
    for (const [name, child] of node.survivors(this.random, keep)) {
      const survivor = this.#survivorOf(child, moved, keep, budget)
      if (survivor instanceof DiskFile) survivor.links++
      folder.restore(name, survivor)
    }
    return folder
  }

  #dropLink(file: DiskFile): void {
    file.links--
    file.release()
  }

  #placeOf(path: string): { folder: DiskFolder; name: string } {
    const names = namesIn(path)
    const name = names.pop()
    if (name === undefined) throw fault('EISDIR', 'open', path)
    return { folder: this.#folderAt(`/${names.join('/')}`), name }
  }

  #folderAt(path: string): DiskFolder {
    let folder = this.#root
    for (const name of namesIn(path)) {
      const node = folder.entries.get(name)
      if (!node) throw fault('ENOENT', 'open', path)
      if (node instanceof DiskFile) throw fault('ENOTDIR', 'open', path)
      folder = node
    }
    return folder
  }

  #fileAt(path: string): DiskFile {
    const { folder, name } = this.#placeOf(path)
    const node = folder.entries.get(name)
    if (!node) throw fault('ENOENT', 'open', path)
    if (node instanceof DiskFolder) throw fault('EISDIR', 'open', path)
    return node
  }
}
