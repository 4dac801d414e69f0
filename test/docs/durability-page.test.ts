import { readFileSync } from 'node:fs'
import t from 'tap'
import { projectFolder } from '../source-files.ts'

const page = readFileSync(`${projectFolder}docs/durability.md`, 'utf8')

t.test('docs/durability.md names tests that exist, by file and name', async (t) => {
  const rows = page.matchAll(/^\| .* \| (test\/\S+\.ts) \| (.*) \|$/gm)
  let count = 0
  for (const [, path = '', name = ''] of rows) {
    count++
    const text = readFileSync(projectFolder + path, 'utf8')
    if (!text.includes(name)) t.fail(`${path} has no test '${name}'`)
  }
  t.equal(count, page.match(/^\|.*\| test\//gm)?.length, 'every row was read')
  t.ok(count > 20, `${count} promises`)
})
