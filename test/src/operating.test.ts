// The command with a store: starts that cannot work, health and metrics, the other commands.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../storage/layout/segment.ts'
import { get, read, send, sendLater, stop } from './command-clients.ts'
import { anyPorts, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

async function refusesToStart(t: Test, data: string, text: RegExp): Promise<void> {
  const running = runCommand(t, ['serve', ...anyPorts, '--data', data])
  t.same(await running.ended, { code: exitCodes.cannotStart, signal: null })
  t.match(running.errors, /^isthmus: [^\n]+\n$/, 'one line')
  t.match(running.errors, text)
  t.notOk(running.lines.some(({ event }) => event === 'ready'))
}

t.test('a folder that another server has open ends the start in one line', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const running = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await running.event('ready')
  await refusesToStart(t, data, /in use by another process/)
  await send(running, 'a', ['the first server is unharmed'])
  await stop(t, running)
})

t.test(
  'a folder that holds something else ends the start in one line, and is left alone',
  async (t) => {
    const data = temporaryFolder(t)
    writeFileSync(join(data, 'letter.txt'), 'dear store')
    await refusesToStart(t, data, /holds no Isthmus store/)
    t.same(readdirSync(data), ['letter.txt'])
  }
)

t.test('a store of a newer version ends the start in one line, and is left alone', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const running = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await running.event('ready')
  await stop(t, running)
  const log = join(data, 'log')
  const name = readdirSync(log)[0] ?? ''
  const path = join(log, name)
  const bytes = readFileSync(path)
  const header = decodeSegmentHeader(bytes)
  if (typeof header === 'string') throw new Error(header)
  encodeSegmentHeader({ ...header, formatVersion: header.formatVersion + 1 }).copy(bytes)
  writeFileSync(path, bytes)
  await refusesToStart(t, data, /format version \d+/)
  t.same(readFileSync(path), bytes)
})

t.test('health and metrics tell what was done', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts])
  await send(running, 'measured', ['a', 'b', 'c'])
  await read(running, 'measured', 'readers', 3)
  await send(running, 'measured', ['d', 'e'])
  t.same(await get(running, '/healthz'), { status: 200, text: '{"state":"ready","reason":""}\n' })
  const { status, text } = await get(running, '/metrics')
  t.equal(status, 200)
  for (const line of [
    /^isthmus_ready 1$/m,
    /^isthmus_appended_records_total 5$/m,
    /^isthmus_fsyncs_total [1-9]/m,
    /^isthmus_requests_total\{protocol="kafka",api="Produce",error="NONE"\} 2$/m,
    /^isthmus_request_duration_seconds_count\{protocol="kafka",api="Produce"\} 2$/m,
    /^isthmus_request_duration_seconds_bucket\{le="\+Inf",protocol="kafka",api="Produce"\} 2$/m,
    /^isthmus_group_lag_records\{group="readers",topic="measured"\} 2$/m,
    /^isthmus_group_lag_omitted 0$/m,
    /^isthmus_connections\{protocol="kafka"\} \d+$/m,
    /^isthmus_disk_free_bytes [1-9]/m,
    /^process_resident_memory_bytes [1-9]/m
  ]) {
    t.match(text, line)
  }
  await stop(t, running)
})

t.test('metrics tell what waits for its time, and what has come', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts])
  await sendLater(running, 'timed', 'DELAY\u000118\u0002')
  await sendLater(running, 'timed', 'TIMER_DELAY_MS\u00011\u0002')
  let text = ''
  while (!/fired"\} 1$/m.test(text)) text = (await get(running, '/metrics')).text
  for (const line of [
    /^isthmus_timers_pending\{kind="delayed"\} 1$/m,
    /^isthmus_timers_pending\{kind="half"\} 0$/m,
    /^isthmus_timers_total\{kind="delayed",outcome="added"\} 2$/m,
    /^isthmus_timers_total\{kind="delayed",outcome="dropped"\} 0$/m,
    /^isthmus_timers_refused_total\{kind="delayed"\} 0$/m,
    /^isthmus_timer_lateness_seconds_count\{kind="delayed"\} 1$/m
  ]) {
    t.match(text, line)
  }
  await stop(t, running)
})

t.test('reindex makes a deleted LevelDB anew, and nothing is lost', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const first = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await send(first, 'kept', ['a', 'b'])
  t.same(await read(first, 'kept', 'readers', 2), ['a', 'b'])
  const early = runCommand(t, ['check', '--data', data])
  t.same(await early.ended, { code: exitCodes.cannotStart, signal: null }, 'not while it is open')
  t.match(early.errors, /in use by another process/)
  await stop(t, first)
  rmSync(join(data, 'index'), { recursive: true })
  const check = runCommand(t, ['check', '--data', data])
  t.same(await check.ended, { code: exitCodes.done, signal: null })
  t.match(check.text, /^0 problems in 1 segments, [1-9].* 2 records/)
  const reindex = runCommand(t, ['reindex', '--data', data])
  t.same(await reindex.ended, { code: exitCodes.done, signal: null })
  t.match(reindex.text, /replayed [1-9]\d* flush groups/)
  const second = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await send(second, 'kept', ['c'])
  t.same(await read(second, 'kept', 'readers', 1), ['c'], 'the group goes on where it was')
  await stop(t, second)
})

t.test('check names a flipped bit, and ends with code 1', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const server = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await send(server, 'flipped', ['x'.repeat(1000)])
  // What follows proves that the first one was durable: no torn tail, but damage.
  await send(server, 'flipped', ['a', 'b'])
  await stop(t, server)
  const log = join(data, 'log')
  const path = join(log, readdirSync(log)[0] ?? '')
  const bytes = readFileSync(path)
  const at = bytes.indexOf('xxxxxxxx')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
  const check = runCommand(t, ['check', '--data', data])
  t.same(await check.ended, { code: exitCodes.failed, signal: null })
  t.match(
    check.text,
    /^problem: segment 1, position \d+.*: .+\n(.*\n)*[1-9]\d* problems in 1 segments/
  )
})

t.test('check and reindex refuse a folder without a store', async (t) => {
  const data = join(temporaryFolder(t), 'none')
  const check = runCommand(t, ['check', '--data', data])
  t.same(await check.ended, { code: exitCodes.cannotStart, signal: null })
  t.match(check.errors, /^isthmus: [^\n]+\n$/)
})

t.test('reindex makes no store where there is none', async (t) => {
  const data = join(temporaryFolder(t), 'none')
  const reindex = runCommand(t, ['reindex', '--data', data])
  t.same(await reindex.ended, { code: exitCodes.cannotStart, signal: null })
  t.match(reindex.errors, /^isthmus: [^\n]+\n$/)
  t.same(readdirSync(join(data, '..')), [])
})
