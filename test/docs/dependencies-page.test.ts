import { readFileSync } from 'node:fs'
import t from 'tap'
import { projectFolder } from '../source-files.ts'
import { docsFolder } from './page-check.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(`${projectFolder}package.json`, 'utf8')) as Manifest
const page = readFileSync(new URL('dependencies.md', docsFolder), 'utf8')

/** The first cells of a section's table, split where one row is for several packages. */
function packagesUnder(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).flatMap((line) => (line.split('|')[1] ?? '').trim().split(', '))
}

t.test('docs/dependencies.md says of every package why it is there', async (t) => {
  t.same(packagesUnder('At run time').sort(), Object.keys(manifest.dependencies).sort())
  t.same(packagesUnder('For tests').sort(), Object.keys(manifest.devDependencies).sort())
})

t.test('every package is pinned to one version', async (t) => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies }
  for (const [name, version] of Object.entries(all)) t.match(version, /^\d+\.\d+\.\d+$/, name)
})
