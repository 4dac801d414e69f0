/** Segment files open for reading, the least recently used closed above a limit; a file in use is never closed. */
import { segmentFileName } from './layout/segment.ts'
import type { File, FileSystem } from './ports.ts'

interface Held {
  readonly file: Promise<File>
  users: number
  retired: boolean
}

export class SegmentFiles {
  readonly #fileSystem: FileSystem
  readonly #folder: string
  readonly #countMax: number
  /** Least recently used first. */
  readonly #held = new Map<number, Held>()
  #holds = 0
  readonly #toRemove = new Set<number>()

  constructor(fileSystem: FileSystem, folder: string, countMax: number) {
    this.#fileSystem = fileSystem
    this.#folder = folder
    this.#countMax = countMax
  }

  /** Runs `work` with the segment's file. Errors of opening and reading are the caller's. */
  async use<T>(segment: number, work: (file: File) => Promise<T>): Promise<T> {
    let held = this.#held.get(segment)
    if (held === undefined) {
      const path = `${this.#folder}/${segmentFileName(segment)}`
      held = { file: this.#fileSystem.open(path, 'read'), users: 0, retired: false }
    } else this.#held.delete(segment)
    this.#held.set(segment, held)
    held.users++
    try {
      const file = await held.file
      this.#trim()
      return await work(file)
    } catch (error) {
      // It is opened anew next time; the last who reads it now closes it.
      if (this.#held.get(segment) === held) this.#held.delete(segment)
      held.retired = true
      throw error
    } finally {
      held.users--
      if (held.retired && held.users === 0) await closeQuietly(held)
    }
  }

  /** A segment goes away: its file is closed once nobody reads it any more. */
  async retire(segment: number): Promise<void> {
    const held = this.#held.get(segment)
    if (held === undefined) return
    this.#held.delete(segment)
    held.retired = true
    if (held.users === 0) await closeQuietly(held)
  }

  /** A segment left the live set: its file goes, once nobody holds the files. Rejects as unlink does. */
  async remove(segment: number): Promise<void> {
    await this.retire(segment)
    if (this.#holds > 0) this.#toRemove.add(segment)
    else await this.#fileSystem.unlink(`${this.#folder}/${segmentFileName(segment)}`)
  }

  /** Until `letGo`, called as often, no file is removed. What is cut off then leaves strays, which the next open removes. */
  hold(): void {
    this.#holds++
  }

  /** Removes what went meanwhile. Rejects with the first error of unlinking. */
  async letGo(): Promise<void> {
    if (--this.#holds > 0) return
    const segments = [...this.#toRemove]
    this.#toRemove.clear()
    for (const segment of segments) await this.remove(segment)
  }

  #trim(): void {
    for (const [segment, held] of this.#held) {
      if (this.#held.size <= this.#countMax) return
      if (held.users > 0) continue
      this.#held.delete(segment)
      void closeQuietly(held)
    }
  }

  async close(): Promise<void> {
    const all = [...this.#held.values()]
    this.#held.clear()
    for (const held of all) {
      held.retired = true
      if (held.users === 0) await closeQuietly(held)
    }
  }
}

async function closeQuietly(held: Held): Promise<void> {
  await held.file.then((file) => file.close()).catch(() => undefined)
}
