/*
 * `npm run test:crash`: the kills alone, more of them than in the default run. KILLS in the environment holds for each
 * file instead.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const files = [
  { name: 'kill', kills: 40 },
  { name: 'housekeeping', kills: 60 },
  { name: 'timers', kills: 8 }
]

for (const { name, kills } of files) {
  const path = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
  const env = { KILLS: String(kills), ...process.env }
  const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
