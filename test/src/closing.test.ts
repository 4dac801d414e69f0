import t from 'tap'
import { defaultConfig } from '../../src/config.ts'
import { startServer } from '../../src/server.ts'
import { connectTo } from '../support/connect.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('a server whose store cannot be closed listens nowhere afterwards', async (t) => {
  const random = seededRandom(t)
  const disk = new FaultyDisk({ random })
  disk.addFolder('/data')
  const index = new IndexCopies()
  await index.lay('lost')
  const server = await startServer({
    config: {
      ...defaultConfig(),
      data: '/data',
      kafkaPort: 0,
      namesrvPort: 0,
      brokerPort: 0,
      httpPort: 0
    },
    log: () => {},
    world: {
      fileSystem: disk,
      clock: new FakeClock(),
      random,
      openIndex: () => index.database,
      readBootId: async () => 'boot'
    }
  })
  disk.stop()
  await t.rejects(server.close(), { code: 'POWER_LOST' })
  for (const [name, { host, port }] of Object.entries(server.addresses))
    await t.rejects(connectTo(`${host}:${port}`), `${name} is closed`)
})
