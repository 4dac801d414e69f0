// What V8 holds for young objects: no more than at first when the server is ready, as much as ever under load. A
// preloaded module says so at SIGUSR2, and makes objects that live for a while.
import { join } from 'node:path'
import t from 'tap'
import { anyPorts, runCommand } from './run-command.ts'

const preloaded = `
const { getHeapSpaceStatistics } = require('node:v8')
const bytes = () => getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size
process.on('SIGUSR2', () => {
  const idle = bytes()
  const living = []
  for (let i = 0; i < 3e6; i++) living[i % 1e5] = { i }
  console.log(JSON.stringify({ event: 'young', idle, busy: bytes() }))
})
`
/** Two halves of one MiB to begin with, and V8's own pages. */
const idleBytesMax = 5e6

t.test('the young generation is small in a ready server, and grows under load', async (t) => {
  const folder = t.testdir({ 'preloaded.cjs': preloaded })
  const server = runCommand(t, ['serve', ...anyPorts], {
    NODE_OPTIONS: `--require=${join(folder, 'preloaded.cjs')}`
  })
  await server.event('ready')
  server.child.kill('SIGUSR2')
  const { idle, busy } = await server.event('young')
  t.ok(Number(idle) <= idleBytesMax, `${idle} bytes`)
  t.ok(Number(busy) >= 2 * idleBytesMax, `${busy} bytes`)
})
