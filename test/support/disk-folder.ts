import type { DiskFile } from './disk-file.ts'
import type { SeededRandom } from './seeded-random.ts'

export type DiskNode = DiskFile | DiskFolder

type FolderChange =
  | { readonly op: 'set'; readonly name: string; readonly node: DiskNode }
  | { readonly op: 'remove'; readonly name: string }
  | { readonly op: 'rename'; readonly from: string; readonly to: string; readonly node: DiskNode }

/** Names twice over: what lookups see, and what is known to be on the disk plus the changes since. */
export class DiskFolder {
  readonly entries = new Map<string, DiskNode>()
  #durable = new Map<string, DiskNode>()
  #pending: FolderChange[] = []

  get pendingChanges(): number {
    return this.#pending.length
  }

  set(name: string, node: DiskNode): void {
    this.entries.set(name, node)
    this.#pending.push({ op: 'set', name, node })
  }

  remove(name: string): void {
    this.entries.delete(name)
    this.#pending.push({ op: 'remove', name })
  }

  /** Within this folder, in one step also after a power cut. */
  rename(from: string, to: string): void {
    const node = this.entries.get(from)!
    this.entries.delete(from)
    this.entries.set(to, node)
    this.#pending.push({ op: 'rename', from, to, node })
  }

  sync(): void {
    this.#durable = new Map(this.entries)
    this.#pending = []
  }

  /**
   * The names after the power went: with a journal the first few changes since the last sync, without one any of
   * them.
   */
  survivors(random: SeededRandom, keep: number): Map<string, DiskNode> {
    const names = new Map(this.#durable)
    const journal = random.chance(0.5)
    const kept = journal && random.chance(keep) ? random.between(0, this.#pending.length) : 0
    this.#pending.forEach((change, index) => {
      if (journal ? index < kept : random.chance(keep * 0.5)) applyChange(names, change)
    })
    return names
  }

  /** Fills a folder after a power cut: what is in it is on the disk. */
  restore(name: string, node: DiskNode): void {
    this.entries.set(name, node)
    this.#durable.set(name, node)
  }
}

function applyChange(names: Map<string, DiskNode>, change: FolderChange): void {
  if (change.op === 'set') names.set(change.name, change.node)
  else if (change.op === 'remove') names.delete(change.name)
  else {
    names.delete(change.from)
    names.set(change.to, change.node)
  }
}
