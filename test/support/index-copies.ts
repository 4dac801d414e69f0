import type { MemoryLevel } from 'memory-level'
import type { Database } from '../../storage/databases.ts'
import { memoryIndex } from './memory-index.ts'
import type { SeededRandom } from './seeded-random.ts'

type Entry = [Buffer, Buffer]

/**
 * Stands in for LevelDB's folder: an index in memory whose contents can be copied, and put back as they were, older,
 * or not at all. The log must make up for all of it.
 */
export class IndexCopies {
  #level: MemoryLevel<Buffer, Buffer> | undefined
  #copies: Entry[][] = []

  /** For `openIndex`. Holds what the last `lay` laid. */
  get database(): Database {
    return this.#level as unknown as Database
  }

  /** Remembers the contents of now as what may come back later. */
  async copy(): Promise<void> {
    this.#copies.push(await this.#entries())
  }

  /** Lays an index for the next open; returns what was done to it. */
  async lay(fate: IndexFate): Promise<IndexFate> {
    const entries = fate === 'kept' ? await this.#entries() : (this.#older(fate) ?? [])
    this.#level = memoryIndex()
    await this.#level.open()
    await this.#level.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
    if (fate !== 'kept') this.#copies = []
    return fate
  }

  #older(fate: IndexFate): Entry[] | undefined {
    return fate === 'lost' ? undefined : this.#copies[Math.floor(this.#copies.length / 2)]
  }

  async #entries(): Promise<Entry[]> {
    const level = this.#level
    if (level === undefined) return []
    // It keeps its contents over a close.
    const wasOpen = level.status === 'open'
    if (!wasOpen) await level.open()
    const entries = (await level.iterator().all()) as Entry[]
    if (!wasOpen) await level.close()
    return entries
  }
}

export type IndexFate = 'kept' | 'older' | 'lost'

export function anyFate(random: SeededRandom): IndexFate {
  return random.pick(['kept', 'kept', 'older', 'lost'] as const)
}
