// Writes the parser of RocketMQ's SQL92 from its grammar (`npm run grammar`). A test compares the two.
import { readFile, writeFile } from 'node:fs/promises'
import peggy from 'peggy'

const folder = new URL('../gateway/rocketmq/filter/', import.meta.url)

/** The text of the file that is made. */
export async function generate() {
  const grammar = await readFile(new URL('sql92.peggy', folder), 'utf8')
  const source = peggy.generate(grammar, { output: 'source', format: 'es' })
  return `// @ts-nocheck Made from sql92.peggy by scripts/grammar.mjs (npm run grammar): change that.\n${source}`
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await writeFile(new URL('sql92.generated.ts', folder), await generate())
}
