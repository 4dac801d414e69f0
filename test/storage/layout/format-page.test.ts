import { readFileSync } from 'node:fs'
import t from 'tap'
import * as format from '../../../storage/layout/format.ts'
import { snapshotHeaderFixedBytes } from '../../../storage/layout/snapshot-parts.ts'
import { familyCodes } from '../../../storage/state/families.ts'

const page = readFileSync(new URL('../../../../docs/storage-format.md', import.meta.url), 'utf8')

interface Table {
  readonly heading: string
  readonly rows: readonly { readonly at: string; readonly bytes: string; readonly field: string }[]
}

/** The byte tables of the page, with the heading or sentence above each. */
function byteTables(): Table[] {
  const tables: Table[] = []
  const blocks = page.split('\n\n')
  for (const [index, block] of blocks.entries()) {
    if (!block.startsWith('| at | bytes | field |')) continue
    const rows = block
      .split('\n')
      .slice(2)
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, at, bytes, field]) => ({ at: at ?? '', bytes: bytes ?? '', field: field ?? '' }))
    tables.push({ heading: blocks[index - 1] ?? '', rows })
  }
  return tables
}

t.test('in every byte table each field begins where the one before it ends', async (t) => {
  const tables = byteTables()
  t.equal(tables.length, 11)
  for (const { heading, rows } of tables) {
    let end = 0
    for (const { at, bytes, field } of rows) {
      if (at === '') break
      t.equal(Number(at), end, `${heading.slice(0, 40)}: ${field}`)
      end += Number(bytes)
    }
  }
})

t.test('the sizes that the tables add up to are the ones the code has', async (t) => {
  const sizes = byteTables().map(({ rows }) => {
    const fixed = rows.filter(({ at, bytes }) => at !== '' && /^\d+$/.test(bytes))
    return fixed.reduce((sum, { bytes }) => sum + Number(bytes), 0)
  })
  t.same(sizes, [
    format.segmentHeaderFieldBytes,
    format.segmentFooterBytes,
    format.groupHeaderBytes,
    format.entryPrefixBytes,
    format.runHeaderFixedBytes,
    format.stateEntryFixedBytes,
    format.entryPrefixBytes + format.storeIdBytes,
    format.stretchesFixedBytes,
    snapshotHeaderFixedBytes - 2,
    16,
    20
  ])
  t.match(page, `Format version ${format.formatVersion}.`)
  t.match(page, `in a block of ${format.segmentHeaderBytes} bytes`)
})

t.test('every row family is in the table, under its own number', async (t) => {
  const listed = [...page.matchAll(/^\| (\d+) \| ([a-z-]+) \|.* [szvbmi]\)? \|$/gm)]
  const found = listed.map(([, code, name]) => [name, Number(code)])
  t.same(Object.fromEntries(found.filter(([name]) => String(name) in familyCodes)), familyCodes)
})
