import type { FileSystem, OpenMode } from '../../../storage/ports.ts'
import { MemoryFile } from './memory-file.ts'

/** Files in memory, by path, with a log of what was asked. Folders are whatever paths start with. */
export class MemoryFileSystem implements FileSystem {
  readonly files = new Map<string, MemoryFile>()
  readonly calls: string[] = []
  openFiles = 0

  async open(path: string, mode: OpenMode) {
    const existing = this.files.get(path)
    if (mode === 'create' && existing) throw withCode('EEXIST', path)
    if (mode !== 'create' && !existing) throw withCode('ENOENT', path)
    const file = existing ?? new MemoryFile()
    this.files.set(path, file)
    this.openFiles += 1
    if (mode !== 'read') this.calls.push(`open ${path}`)
    file.sync = async () => void this.calls.push(`sync ${path}`)
    file.close = async () => {
      this.openFiles -= 1
    }
    return file
  }

  async makeFolder() {}

  async list(folder: string) {
    const names = [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`))
    return [...new Set(names.map((path) => path.slice(folder.length + 1).split('/', 1)[0] ?? ''))]
  }

  async rename(from: string, to: string) {
    const file = this.files.get(from)
    if (!file) throw withCode('ENOENT', from)
    this.files.delete(from)
    this.files.set(to, file)
    this.calls.push(`rename ${from} ${to}`)
  }

  async unlink(path: string) {
    if (!this.files.delete(path)) throw withCode('ENOENT', path)
    this.calls.push(`unlink ${path}`)
  }

  async link(from: string, to: string) {
    const file = this.files.get(from)
    if (!file) throw withCode('ENOENT', from)
    if (this.files.has(to)) throw withCode('EEXIST', to)
    this.files.set(to, file)
    this.calls.push(`link ${from} ${to}`)
  }

  async syncFolder(path: string) {
    this.calls.push(`syncFolder ${path}`)
  }

  async linkCount() {
    return 1
  }

  async space() {
    return { freeBytes: 1e12, totalBytes: 1e12 }
  }
}

function withCode(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
