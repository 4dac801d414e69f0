// EIO from the disk under the built server's LevelDB, at every sort of call, while it runs and when it starts: one line
// says what failed, the exit code is not 0, nothing acknowledged is lost, and on a disk that works the next start goes
// on.

import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OwnServer } from '../clients/server.ts'
import { runCommand } from '../src/run-command.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { ConnectionLost } from '../support/connect.ts'
import { type FailingCall, FailingCalls } from '../support/failing-calls.ts'
import { quietPort } from '../support/quiet-port.ts'
import { again, Clients, goesOn, type Served } from './disk-clients.ts'

/** A checkpoint for every few records. */
const options = [
  '--segment-bytes',
  '1048576',
  '--checkpoint-bytes',
  '262144',
  '--tail-bytes',
  '65536'
]
/** Of LevelDB's files alone. */
const inIndex = '/index/'
const everyCall: readonly FailingCall[] = ['open', 'lock', 'read', 'write', 'sync', 'rename']

/** A server with records of both protocols and committed offsets. */
async function life(t: Test, calls?: FailingCalls): Promise<Served> {
  const server = new OwnServer(temporaryFolder(t), options)
  t.teardown(() => server.stop('SIGKILL'))
  if (calls !== undefined) server.variables = calls.variables
  // Whatever a test before this one left behind when it failed.
  calls?.mend()
  await server.start(await quietPort())
  const clients = await Clients.of(server, ['keeps'])
  await appends(t, clients)
  await goesOn(t, clients, 'keeps')
  return { server, clients }
}

async function appends(t: Test, clients: Clients): Promise<void> {
  for (let i = 0; i < 8; i++) {
    t.equal(await clients.produce('keeps'), 0)
    t.equal((await clients.send('keeps')).code, 0)
  }
}

/** Nothing is missing, the store takes more, and is sound after a kill. */
async function goesOnAfter(t: Test, { server, clients }: Served): Promise<void> {
  await server.start(server.port)
  await clients.connect()
  await clients.verify(t, 'keeps')
  await appends(t, clients)
  clients.close()
  await again(t, server, clients, ['keeps'])
}

/** The segments and snapshots, which no failed start may change. */
function authority(server: OwnServer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const folder of ['log', 'snapshots']) {
    const path = join(server.folder, 'data', folder)
    for (const name of readdirSync(path)) files.set(name, readFileSync(join(path, name)))
  }
  return files
}

function runtime(calls: FailingCalls, call: FailingCall): void {
  t.test(`${call}: the running server stops with 1, and says why`, async (t) => {
    const one = await life(t, calls)
    const { server, clients } = one
    calls.fail([call], inIndex)
    await clients.appendUntilGone('keeps')
    t.equal(await server.ended, 1)
    const told = server.log.split('\n').filter((line) => line.includes('"store-failed"'))
    t.equal(told.length, 1)
    t.match(told[0], /Input\/output error/)
    t.match(server.log, /"event":"failed"/)
    const before = authority(server)
    await t.rejects(server.start(server.port), /ended with 3/, 'nor does it start')
    t.strictSame(authority(server), before)
    calls.mend()
    await goesOnAfter(t, one)
  })
}

function refusals(calls: FailingCalls, command: string, signal: 'SIGTERM' | 'SIGKILL'): void {
  t.test(`${command} after ${signal}: refused in one line, with 3, at any call`, async (t) => {
    const one = await life(t, calls)
    const { server, clients } = one
    clients.close()
    await server.stop(signal)
    const before = authority(server)
    const data = join(server.folder, 'data')
    for (const call of everyCall) {
      calls.fail([call], inIndex)
      const words = [command, '--data', data, '--log-level', 'error']
      const running = runCommand(t, words, calls.variables)
      t.same(await running.ended, { code: 3, signal: null }, call)
      t.match(running.errors, /^isthmus: the index cannot be opened: [^\n]*\n$/, 'one line')
      t.equal(running.errors.split('Input/output error').length, 2, 'which says it once')
      t.same(running.lines, [])
      t.strictSame(authority(server), before, 'the log is as it was')
    }
    calls.mend()
    await goesOnAfter(t, one)
  })
}

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)
const calls = FailingCalls.compile(t)
if (typeof calls === 'string') {
  console.error(calls)
  t.test('EIO under LevelDB', { skip: calls }, (t) => t.end())
} else {
  for (const call of ['write', 'sync'] as const) runtime(calls, call)
  refusals(calls, 'serve', 'SIGKILL')
  refusals(calls, 'reindex', 'SIGTERM')
}

t.test(
  'a table that cannot be read where it is mapped ends the process, and no more',
  async (t) => {
    const one = await life(t)
    const { server, clients } = one
    // A start writes what LevelDB's log has into a table.
    await server.restart('SIGTERM')
    await clients.connect()
    const index = join(server.folder, 'data', 'index')
    const tables = readdirSync(index).filter((name) => name.endsWith('.ldb'))
    t.ok(tables.length > 0)
    for (const name of tables) truncateSync(join(index, name), 0)
    const lost = await clients.verify(t, 'keeps').catch((error) => error)
    t.type(lost, ConnectionLost)
    t.equal(await server.ended, 'SIGBUS')
    await goesOnAfter(t, one)
  }
)
