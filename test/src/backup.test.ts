// `isthmus backup` as an operator uses it: with the server running, without one, and what a restore is to clients.
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { startServer } from '../../src/index.ts'
import { read, send, stop } from './command-clients.ts'
import { anyPorts, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

async function succeeds(t: Test, words: readonly string[], text: RegExp): Promise<void> {
  const command = runCommand(t, words)
  t.same(await command.ended, { code: exitCodes.done, signal: null }, command.errors)
  t.match(command.text, text)
}

async function fails(t: Test, words: readonly string[], code: number, text: RegExp) {
  const command = runCommand(t, words)
  t.same(await command.ended, { code, signal: null })
  t.match(command.errors, /^isthmus: [^\n]+\n$/, 'one line')
  t.match(command.errors, text)
}

/** One request on the control socket. */
function ask(socketPath: string, method: string, path: string, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path }, (response) => {
      let text = `${response.statusCode} `
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve(text))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

t.test('a running server is backed up, and a start on the backup has it all', async (t) => {
  const folder = temporaryFolder(t)
  const [data, to] = [join(folder, 'store'), join(folder, 'backup')]
  const first = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await send(first, 'kept', ['a', 'b'])
  t.same(await read(first, 'kept', 'readers', 2), ['a', 'b'])
  await succeeds(t, ['backup', '--data', data, '--to', to], /^backed up to .*backup: 1 segments, /)
  t.match(await first.event('backup-made'), { folder: to, segments: 1 })
  await send(first, 'kept', ['only in the first'])
  await fails(t, ['backup', '--data', data, '--to', to], exitCodes.failed, /is not empty/)
  await succeeds(t, ['check', '--data', to], /^0 problems/)

  const second = runCommand(t, ['serve', ...anyPorts, '--data', to])
  const { reason } = await second.event('leader-epochs-raised')
  t.equal(reason, 'the store was restored from a backup')
  await send(second, 'kept', ['c'])
  t.same(await read(second, 'kept', 'readers', 1), ['c'], 'the group goes on where it was')
  t.same(await read(second, 'kept', 'others', 3), ['a', 'b', 'c'])
  await stop(t, second)
  await stop(t, first)
})

t.test('without a server the command opens the store itself', async (t) => {
  const folder = temporaryFolder(t)
  const [data, to] = [join(folder, 'store'), join(folder, 'backup')]
  const first = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await send(first, 'kept', ['a'])
  // The socket that it leaves is nobody's.
  first.child.kill('SIGKILL')
  await first.ended
  t.ok(readdirSync(join(data, 'control')).includes('socket'))
  await succeeds(t, ['backup', '--data', data, '--to', to], /^backed up/m)
  // As an operator restores: in the place of what was lost.
  renameSync(data, join(folder, 'lost'))
  renameSync(to, data)
  const second = runCommand(t, ['serve', ...anyPorts, '--data', data])
  t.same(await read(second, 'kept', 'readers', 1), ['a'])
  await stop(t, second)
  t.notOk(readdirSync(join(data, 'control')).includes('socket'), 'a server takes its socket along')
})

t.test('what cannot be done is refused in one line, and nothing is touched', async (t) => {
  const folder = temporaryFolder(t)
  const [data, to] = [join(folder, 'store'), join(folder, 'backup')]
  await fails(t, ['backup', '--data', data, '--to', to], exitCodes.cannotStart, /cannot be read/)
  await fails(t, ['backup', '--data', data], exitCodes.usage, /--to/)
  const server = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await server.event('ready')
  const within = join(data, 'log', 'backup')
  await fails(t, ['backup', '--data', data, '--to', within], exitCodes.failed, /within the folder/)
  const lost = join(folder, 'none', 'backup')
  await fails(t, ['backup', '--data', data, '--to', lost], exitCodes.failed, /cannot be read/)
  await stop(t, server)
  t.same(readdirSync(folder), ['store'])
})

t.test('a backup that was not finished is no store to any command', async (t) => {
  const data = temporaryFolder(t)
  for (const name of ['log', 'snapshots']) mkdirSync(join(data, name))
  writeFileSync(join(data, 'backup-unfinished'), '')
  const before = readdirSync(data)
  const says = /holds a backup that was not finished: remove it/
  for (const words of [['serve', ...anyPorts], ['check']])
    await fails(t, [...words, '--data', data], exitCodes.cannotStart, says)
  t.same(readdirSync(data), before)
})

t.test('the control socket is for its own user, and takes nothing but a backup', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const server = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await server.event('ready')
  t.equal(statSync(join(data, 'control')).mode & 0o777, 0o700)
  const socket = join(data, 'control', 'socket')
  const refusals = [
    ['GET', '/backup', '', /^404 /],
    ['POST', '/healthz', '', /^404 /],
    ['POST', '/backup', '', /^400 /],
    ['POST', '/backup', '{"folder":"relative"}', /^400 /],
    ['POST', '/backup', '{"folder":7}', /^400 /],
    ['POST', '/backup', `{"folder":"/${'x'.repeat(100_000)}"}`, /^400 /]
  ] as const
  for (const [method, path, body, says] of refusals)
    t.match(await ask(socket, method, path, body), says)
  const { host, port } = await server.address('http')
  const posted = await fetch(`http://${host}:${port}/backup`, { method: 'POST', body: '{}' })
  t.equal(posted.status, 404, 'the operator port has no such page')
  await stop(t, server)
})

t.test('a folder whose path is too long for a socket is served without one', async (t) => {
  const folder = temporaryFolder(t)
  const data = join(folder, 'x'.repeat(120))
  const server = runCommand(t, ['serve', ...anyPorts, '--data', data])
  t.match(await server.event('control-absent'), { reason: /too long/ })
  await send(server, 'kept', ['a'])
  const words = ['backup', '--data', data, '--to', join(folder, 'backup')]
  await fails(t, words, exitCodes.cannotStart, /in use by another process/)
  await stop(t, server)
})

t.test('an embedded server backs itself up', async (t) => {
  const to = join(temporaryFolder(t), 'backup')
  const server = await startServer()
  const { linked, copied } = await server.backup(to)
  t.ok(linked + copied >= 2)
  await t.rejects(server.backup(to), { name: 'BackupError', code: 'folder-taken' })
  await server.close()
  await t.rejects(server.backup(`${to}-2`), { code: 'closed' })
  const restored = await startServer({ data: to })
  await restored.close()
})
