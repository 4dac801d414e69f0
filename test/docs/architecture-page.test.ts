import { readFileSync } from 'node:fs'
import t from 'tap'
import { sourceFiles } from '../source-files.ts'
import { docsFolder } from './page-check.ts'

const page = readFileSync(new URL('architecture.md', docsFolder), 'utf8')
const map = page.slice(page.indexOf('## Map of the files'))

/** Paths named in the map; one that ends in a slash stands for all below it. */
const named = map.split(/^### /m).flatMap((section) => {
  const folder = section.split('\n', 1)[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => {
    const cell = row.split('|')[1] ?? ''
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => `${folder}/${name}`)
  })
})

const files = sourceFiles().filter(({ path }) => /^(src|gateway|storage)\//.test(path))

t.test('every file of the product is on the map', async (t) => {
  for (const { path } of files) {
    const isNamed = named.some(
      (name) => name === path || (name.endsWith('/') && path.startsWith(name))
    )
    if (!isNamed) t.fail(`${path} is not in docs/architecture.md`)
  }
  t.ok(files.length > 100)
})

t.test('nothing is on the map that is not there', async (t) => {
  for (const name of named) {
    if (!files.some(({ path }) => path === name || (name.endsWith('/') && path.startsWith(name)))) {
      t.fail(`docs/architecture.md names ${name}`)
    }
  }
  t.ok(named.length > 50)
})

t.test('files that the text names are there', async (t) => {
  for (const [, name = ''] of page.matchAll(/`([a-z/-]+\.c?ts)`/g)) {
    if (!files.some(({ path }) => path.endsWith(`/${name}`) || path === name)) t.fail(name)
  }
})
