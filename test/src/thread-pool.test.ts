// libuv's pool takes its size when it is first used. Each FIFO that is opened for reading and has no writer holds one
// thread for good; a stat gets through only if a thread is left.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

const launcher = readFileSync(new URL('../../src/isthmus.cjs', import.meta.url), 'utf8')

const program = `
import { open, readdirSync, stat } from 'node:fs'
const end = (answer) => { console.log(answer); process.kill(process.pid, 'SIGKILL') }
for (const name of readdirSync('held')) open('held/' + name, 'r', () => {})
setTimeout(end, Number(process.env.WAIT_MS), 'none left')
stat('.', () => end('free'))
`

/** Longer than a busy machine takes to run a job for which there is a thread. */
const patienceMs = 30_000
/** A job for which there is none waits for ever; this much of it is watched. */
const glanceMs = 1_500

/** What a pool job meets in a program started as `entry`, with `count` threads held. */
async function poolOf(t: Test, entry: string, count: number, waitMs: number): Promise<string> {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'main.js': program,
    'isthmus.cjs': launcher,
    held: {}
  })
  for (let index = 0; index < count; index++) {
    execFileSync('mkfifo', [join(folder, 'held', `${index}`)])
  }
  // The test runner preloads a module in every child, which may use the pool before the launcher can set its size.
  const words = ['-u', 'NODE_OPTIONS', '-u', 'UV_THREADPOOL_SIZE', process.execPath, entry]
  const child = spawn('env', words, {
    cwd: folder,
    env: { ...process.env, WAIT_MS: `${waitMs}` }
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await once(child, 'close')
  return output.trim()
}

t.test('a program has 4 pool threads', async (t) => {
  t.equal(await poolOf(t, 'main.js', 3, patienceMs), 'free')
  t.equal(await poolOf(t, 'main.js', 4, glanceMs), 'none left')
})

t.test("the command's launcher gives it 16", async (t) => {
  t.equal(await poolOf(t, 'isthmus.cjs', 15, patienceMs), 'free')
})

t.test('and no more', async (t) => {
  t.equal(await poolOf(t, 'isthmus.cjs', 16, glanceMs), 'none left')
})
