import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorCodes, kafkaErrorOf } from '../../gateway/kafka/error-codes.ts'
import { exitCodes } from '../../src/exit-codes.ts'
import { backupErrorCodes, openErrorCodes, storeErrorCodes } from '../../storage/errors.ts'
import { docsFolder } from './page-check.ts'

const page = readFileSync(new URL('errors.md', docsFolder), 'utf8')

/** The cells of each row of the table under a heading, without the table's head. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

t.test(
  'docs/errors.md lists every code of the store, what it means and what Kafka clients get',
  async (t) => {
    const rows = rowsUnder('What the store refuses')
    t.same(
      rows.map(([code]) => code),
      storeErrorCodes.map((code) => `\`${code}\``)
    )
    const kafkaNames = storeErrorCodes.map((code) => {
      const entry = Object.entries(errorCodes).find(([, number]) => number === kafkaErrorOf[code])
      return entry?.[0]
    })
    t.same(
      rows.map(([, , kafka]) => kafka),
      kafkaNames
    )
    for (const [code, meaning] of rows) t.ok((meaning ?? '').length > 10, `${code} is explained`)
  }
)

t.test('docs/errors.md lists every reason why a store does not open', async (t) => {
  t.same(
    rowsUnder('Why a store does not open').map(([code]) => code),
    openErrorCodes.map((code) => `\`${code}\``)
  )
})

t.test('docs/errors.md lists every reason why a backup is not made', async (t) => {
  t.same(
    rowsUnder('Why a backup was not made').map(([code]) => code),
    backupErrorCodes.map((code) => `\`${code}\``)
  )
})

t.test('docs/errors.md lists every exit code', async (t) => {
  const listed = rowsUnder('Exit codes').map(([code]) => code)
  for (const code of Object.values(exitCodes)) t.ok(listed.includes(`${code}`), `${code}`)
})
