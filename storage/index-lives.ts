/**
 * LevelDB may end the process that it is in, where its files are damaged in some ways: by SIGABRT, for it asserts, or
 * by SIGBUS, for it maps them. Nothing in the process can then say so. A small file does: how many starts in a row
 * ended while LevelDB was being opened, and how many soon after. A kill, or a power cut, just then looks the same and
 * is not to cost a large store a rebuild, so one death says nothing; of what came soon after the opening, anything may
 * be the cause, so the next opening reads all that LevelDB has: if that was it, it ends the process again.
 *
 * The file is never fsynced. The death of a process leaves it; a power cut that does not costs some more starts.
 */
import { isNoSpace } from './disk-full-error.ts'
import type { Clock, FileSystem } from './ports.ts'

export const indexLivesName = 'index-lives'

/** Starts in a row that ended in one way, by which something is done about it. */
export const deathsMax = 2
/** So long after its opening LevelDB is not suspected any more. */
export const soonMs = 60_000
/** More than the file has. */
const bytesMax = 256

/** Starts in a row that ended ... */
export interface Deaths {
  /** ... before an open had all that it wants of LevelDB, ... */
  readonly opening: number
  /** ... within a minute after that, without a close. */
  readonly soon: number
}

const none: Deaths = { opening: 0, soon: 0 }

export class IndexLives {
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #path: string
  #before = none
  #isThere = false
  #isOver = false
  #cancel: () => void = () => undefined

  private constructor(fileSystem: FileSystem, clock: Clock, path: string) {
    this.#fileSystem = fileSystem
    this.#clock = clock
    this.#path = path
  }

  static async of(fileSystem: FileSystem, clock: Clock, folder: string): Promise<IndexLives> {
    const lives = new IndexLives(fileSystem, clock, `${folder}/${indexLivesName}`)
    lives.#isThere = (await fileSystem.list(folder)).includes(indexLivesName)
    if (lives.#isThere) lives.#before = await lives.#read()
    return lives
  }

  /** Of the starts before this one. */
  get before(): Deaths {
    return this.#before
  }

  /** LevelDB is about to be opened: should the process end now, that is one more. */
  async begin(): Promise<void> {
    const { opening, soon } = this.#before
    await this.#write({ opening: opening + 1, soon })
  }

  /** An open has all that it wants of LevelDB. */
  async opened(): Promise<void> {
    if (this.#isOver) return
    const timer = this.#clock.after(soonMs, () => void this.end().catch(() => undefined))
    this.#cancel = () => timer.cancel()
    await this.#write({ opening: 0, soon: this.#before.soon + 1 })
  }

  /** LevelDB has been used for long enough, or is closed, or was not opened after all. */
  async end(): Promise<void> {
    this.#isOver = true
    this.#cancel()
    if (!this.#isThere) return
    this.#isThere = false
    await this.#fileSystem.unlink(this.#path).catch(unlessCode('ENOENT'))
  }

  async #read(): Promise<Deaths> {
    const file = await this.#fileSystem.open(this.#path, 'read')
    try {
      const bytes = Buffer.alloc(Math.min(await file.size(), bytesMax))
      await file.read(bytes, 0, bytes.length, 0)
      const { opening, soon } = JSON.parse(bytes.toString()) as Partial<Deaths>
      return { opening: Number(opening) || 0, soon: Number(soon) || 0 }
    } catch (error) {
      // It was being written, or a power cut took what was in it.
      if (error instanceof SyntaxError) return none
      throw error
    } finally {
      await file.close()
    }
  }

  /** Another process that has the store open may do the same: it is found out only when LevelDB is opened. */
  async #write(deaths: Deaths): Promise<void> {
    if (this.#isThere) await this.#fileSystem.unlink(this.#path).catch(unlessCode('ENOENT'))
    this.#isThere = true
    const file = await this.#fileSystem
      .open(this.#path, 'create')
      .catch(unlessCode('EEXIST', 'ENOSPC', 'EDQUOT'))
    try {
      await file?.writev([Buffer.from(JSON.stringify(deaths))], 0)
    } catch (error) {
      // Full disks are not for this file to tell of.
      if (!isNoSpace(error)) throw error
    } finally {
      await file?.close()
    }
  }
}

function unlessCode(...codes: readonly string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error
    return undefined
  }
}
