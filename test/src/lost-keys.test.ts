// Blocks of RocketMQ's keys that LevelDB has lost, while everything else of it is whole: a search that would find less
// notices, so does `isthmus check`, and making LevelDB anew brings them back.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { queryMessageRequest } from '../../gateway/rocketmq/headers/query-message.ts'
import { exitCodes } from '../../src/exit-codes.ts'
import { openLevel } from '../../storage/databases.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import { sendOne } from '../crash/remoting-load.ts'
import { stop } from './command-clients.ts'
import { run } from './damaged-store.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

const topic = 'keyed'
/** Each start writes a block at its end. */
const lives = 3
const found = 0

async function withBroker<T>(
  server: RunningCommand,
  use: (connection: RemotingConnection) => Promise<T>
): Promise<T> {
  const { host, port } = await server.address('broker')
  const connection = await RemotingConnection.open(`${host}:${port}`)
  try {
    return await use(connection)
  } finally {
    connection.close()
  }
}

/** The code of a search for one message of each life. */
const query = (server: RunningCommand, key: string): Promise<number> =>
  withBroker(server, async (connection) => {
    const times = { beginTimestamp: 0n, endTimestamp: 2n ** 62n }
    const header = { topic, key, maxNum: 32, ...times, isUniqueKey: false }
    return (await connection.ask(queryMessageRequest, header as never)).code
  })

const serve = (t: Test, data: string): RunningCommand =>
  runCommand(t, ['serve', ...anyPorts, '--data', data])

/** A closed store with a message of the key `k` and its number in each of its blocks of keys. */
async function closedStore(t: Test): Promise<string> {
  const data = join(temporaryFolder(t), 'store')
  for (let i = 0; i < lives; i++) {
    const server = serve(t, data)
    const properties = `KEYS\u0001k${i}\u0002`
    await withBroker(server, (one) => sendOne(one, topic, 0, Buffer.from(`${i}`), properties))
    await stop(t, server)
  }
  return data
}

/** As a damage that LevelDB does not notice takes them. */
async function loseKeys(t: Test, data: string, which: number): Promise<void> {
  const level = openLevel(join(data, 'index'))
  await level.open()
  const blocks = await level.keys({ gte: Buffer.from('k'), lt: Buffer.from('l') }).all()
  t.equal(blocks.length, lives)
  await level.del(blocks[which] as Buffer)
  await level.close()
}

t.test('check names them, and reindex brings them back', async (t) => {
  const data = await closedStore(t)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  await loseKeys(t, data, 0)
  const check = await run(t, ['check', '--data', data], exitCodes.failed)
  t.match(check.text, /^problem: index, topic keyed: keys of records: of 3 entries 2 are there/)
  t.match(check.text, /isthmus reindex[^\n]*\n1 problems in /)
  await run(t, ['reindex', '--data', data, '--log-level', 'error'], exitCodes.done)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  const server = serve(t, data)
  for (let i = 0; i < lives; i++) t.equal(await query(server, `k${i}`), found)
  await stop(t, server)
})

for (const which of [0, lives - 1])
  t.test(
    `a search that misses block ${which} stops the server, and the next start heals`,
    async (t) => {
      const data = await closedStore(t)
      await loseKeys(t, data, which)
      const server = serve(t, data)
      t.not(await query(server, `k${which}`).catch(() => 'lost'), found)
      t.same(await server.ended, { code: exitCodes.failed, signal: null })
      const { reason } = await server.event('store-failed')
      t.match(reason, /of 3 entries 2 are there/)
      const second = serve(t, data)
      t.match(await second.event('store-opened'), { rebuilt: 'it is empty' })
      for (let i = 0; i < lives; i++) t.equal(await query(second, `k${i}`), found)
      await stop(t, second)
    }
  )
