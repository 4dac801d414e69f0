import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import t from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { anyPorts, runCommand } from './run-command.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

t.test('--version prints the version of package.json', async (t) => {
  const running = runCommand(t, ['--version'])
  t.equal((await running.ended).code, exitCodes.done)
  const file = new URL('../../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  t.equal(running.text, `${version}\n`)
})

t.test('--help lists the commands, and serve --help every setting', async (t) => {
  const general = runCommand(t, ['--help'])
  t.equal((await general.ended).code, exitCodes.done)
  for (const command of ['serve', 'check', 'reindex']) t.match(general.text, `isthmus ${command}`)
  const serve = runCommand(t, ['serve', '--help'])
  t.equal((await serve.ended).code, exitCodes.done)
  for (const option of ['--data', '--flush', '--advertise', '--config', '--log-level']) {
    t.match(serve.text, option)
  }
})

const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no command', [], /a command is needed/],
  ['an unknown command', ['fly'], /fly/],
  ['two commands', ['serve', 'check'], /check/],
  ['an unknown option', ['serve', '--fly', 'high'], /fly/],
  ['a port that is none', ['serve', '--kafka-port', '70000'], /--kafka-port: "70000".*0 to 65535/],
  ['a port that is no number', ['serve', '--kafka-port', 'nine'], /--kafka-port: "nine"/],
  ['a flush mode that is none', ['serve', '--flush', 'never'], /--flush: "never".*sync, async/],
  ['an option given twice', ['serve', '--data', 'a', '--data', 'b'], /--data: given 2 times/],
  ['an option without its value', ['serve', '--data'], /data/],
  ['a settings file that is not there', ['serve', '--config', 'none.json'], /none\.json/]
]

for (const [name, words, text] of refused) {
  t.test(`${name} is refused in one line, with exit code 2`, async (t) => {
    const running = runCommand(t, words)
    t.same(await running.ended, { code: exitCodes.usage, signal: null })
    t.match(running.errors, /^isthmus: [^\n]+\n$/, 'one line')
    t.match(running.errors, text)
    t.same(running.lines, [], 'nothing was started')
  })
}

t.test('a port that is taken ends the start in one line that names it', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.teardown(() => holder.close())
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as AddressInfo
  for (const option of ['--http-port', '--kafka-port', '--broker-port', '--namesrv-port']) {
    const others = anyPorts.filter((_, i) => anyPorts[i - (i % 2)] !== option)
    const taken = runCommand(t, ['serve', ...others, option, `${port}`])
    t.same(await taken.ended, { code: exitCodes.cannotStart, signal: null })
    t.match(
      taken.errors,
      new RegExp(`^isthmus: [^\\n]*127.0.0.1:${port} \\(${option}\\)[^\\n]*\\n$`)
    )
    t.match(taken.errors, /the port is taken/)
    t.notOk(taken.lines.some(({ event }) => event === 'ready'))
  }
})

t.test('ports of listeners that do not exist yet are taken, and one line says so', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts, '--grpc-port', '1'])
  const line = await running.event('listeners-absent')
  t.same(line.settings, ['grpc-port'])
  await running.event('ready')
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
})

t.test('ready names every bound address, and SIGTERM ends the server with code 0', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts])
  for (const name of ['kafka', 'namesrv', 'broker', 'http']) {
    const { host, port } = await running.address(name)
    t.equal(host, '127.0.0.1', name)
    t.ok(port > 0, name)
  }
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
  t.equal(running.errors, '')
  const events = running.lines.map(({ event }) => event)
  t.equal(events.indexOf('starting'), 0)
  t.equal(events.at(-1), 'stopped')
})

t.test('a pipe that nobody reads any more does not end the server', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts])
  const { host, port } = await running.address('http')
  running.child.stdout?.destroy()
  running.child.kill('SIGTERM')
  t.equal((await running.ended).code, exitCodes.done)
  t.ok(host !== '' && port > 0)
})
