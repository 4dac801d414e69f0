// Writes the pages and sections of docs/ that are made from the code (after a build: `npm run docs`). The tests that
// compare them do it, told to write instead.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../dist/test/docs/', import.meta.url)
const env = { ...process.env, UPDATE_DOCS: '1' }
for (const name of readdirSync(folder).filter((file) => file.endsWith('.test.js'))) {
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(new URL(name, folder))], {
    env,
    encoding: 'utf8'
  })
  if (status === 0) continue
  process.stderr.write(stdout)
  process.exitCode = 1
}
