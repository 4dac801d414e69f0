// An all-quiet server uses no CPU: after its start, with a topic, members and waiting records, nothing wakes it up more
// often than its named checks, while clients of both protocols are connected and when they have gone.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RemotingConnection } from '../clients/remoting.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { sendOne } from '../crash/remoting-load.ts'
import { get, read, send, stop } from './command-clients.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

const windowMs = 5000
/** V8 has a few things to do some seconds after work was done; a timer of a second would be seen five times. */
const wakesMax = 2
/** Until V8 is done. */
const windowsMax = 12

/** How often the process's event loop has gone to sleep. */
function sleeps({ child: { pid } }: RunningCommand): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8')
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1])
}

/** Some time in which next to nothing wakes the server comes soon. */
async function becomesQuiet(t: Test, server: RunningCommand, what: string): Promise<void> {
  const seen: number[] = []
  for (let i = 0; i < windowsMax; i++) {
    const before = sleeps(server)
    // There is no event for what does not happen.
    await new Promise((resolve) => setTimeout(resolve, windowMs))
    const wakes = sleeps(server) - before
    seen.push(wakes)
    if (wakes <= wakesMax) {
      t.pass(`${what}: it wakes ${wakes} times in ${windowMs} ms`)
      return
    }
  }
  t.fail(`${what}: it wakes ${seen} times in ${windowMs} ms each`)
}

const isLinux = process.platform === 'linux'
const skip = isLinux ? false : 'NOT RUN: only Linux tells how often a process wakes'
if (!isLinux) console.error(skip)

t.test('nothing wakes a server that has nothing to do', { skip }, async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const server = runCommand(t, ['serve', ...anyPorts, '--data', data])
  await server.event('ready')
  await becomesQuiet(t, server, 'just started')

  await send(server, 'topic', ['a', 'b'])
  await read(server, 'topic', 'group', 2)
  const [kafka, broker, namesrv] = await Promise.all(
    ['kafka', 'broker', 'namesrv'].map(async (name) => {
      const { host, port } = await server.address(name)
      return `${host}:${port}`
    })
  )
  const clients = [
    await RawConnection.open(`${kafka}`),
    await RemotingConnection.open(`${broker}`),
    await RemotingConnection.open(`${namesrv}`)
  ]
  const [, remoting] = clients as [RawConnection, RemotingConnection]
  await sendOne(remoting, 'topic', 0, Buffer.from('c'))
  // Level 18: in two hours.
  await sendOne(remoting, 'topic', 0, Buffer.from('d'), 'DELAY\u000118\u0002')
  t.equal((await get(server, '/metrics')).status, 200)
  await becomesQuiet(t, server, 'with idle clients')

  for (const client of clients) client.close()
  await becomesQuiet(t, server, 'when they have gone')
  await stop(t, server)
})
