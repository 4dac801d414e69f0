/** What happens in a store's folders, as seen from outside while it happens. */
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'

export type StoreFolder = 'log' | 'index' | 'snapshots'

export interface Happening {
  readonly folder: StoreFolder
  readonly what: 'made' | 'gone' | 'changed'
  readonly name: string
}

/** Watches the folders that are there. Told late, if at all, on a busy machine: who aims by it looks where it hit. */
export class FolderWatch {
  readonly #watchers: FSWatcher[] = []
  readonly #told = new Set<(happening: Happening) => void>()

  constructor(data: string, folders: readonly StoreFolder[]) {
    for (const folder of folders) {
      const path = join(data, folder)
      const watcher = watch(path, (event, name) => {
        if (name === null) return
        const isThere = event === 'change' ? 'changed' : existsSync(join(path, name))
        const what = isThere === 'changed' ? isThere : isThere ? 'made' : 'gone'
        for (const tell of [...this.#told]) tell({ folder, what, name })
      })
      // A folder may go while it is watched.
      watcher.on('error', () => {})
      this.#watchers.push(watcher)
    }
  }

  /** Resolves at the first happening that is one of these. Never, if there is none. */
  first(isIt: (happening: Happening) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const tell = (happening: Happening): void => {
        if (!isIt(happening)) return
        this.#told.delete(tell)
        resolve()
      }
      this.#told.add(tell)
    })
  }

  close(): void {
    this.#told.clear()
    for (const watcher of this.#watchers) watcher.close()
  }
}
