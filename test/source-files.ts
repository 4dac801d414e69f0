/** The project's own source files, for the tests that read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const projectFolder = fileURLToPath(new URL('../../', import.meta.url))

export interface SourceFile {
  /** From the project's folder, with slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

const folders = ['src', 'storage', 'gateway', 'test', 'bench', 'examples', 'scripts']

/** Every source file that people write, in no special order. */
export function sourceFiles(): SourceFile[] {
  return folders.flatMap((folder) => {
    let names: string[]
    try {
      names = readdirSync(`${projectFolder}${folder}`, { recursive: true, encoding: 'utf8' })
    } catch {
      return []
    }
    return names
      .filter((name) => /\.(ts|cts|mts|mjs|js)$/.test(name) && !name.includes('node_modules'))
      .filter((name) => !name.endsWith('.generated.ts'))
      .map((name) => readSource(`${folder}/${name}`))
  })
}

function readSource(path: string): SourceFile {
  const text = readFileSync(`${projectFolder}${path}`, 'utf8')
  return { path, text, lines: text.split('\n') }
}

/** What a file imports, as written: static, dynamic and type imports, and re-exports. */
export function importsOf(file: SourceFile): string[] {
  const found = file.text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*'([^']+)'/g)
  return [...found].map(([, name = '']) => name)
}
