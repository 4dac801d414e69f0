import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { type EmbeddedServer, StartError, startServer, UsageError } from '../../src/index.ts'
import { OpenError } from '../../storage/index.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

function clientOf({ addresses }: EmbeddedServer): Kafka {
  const { host, port } = addresses.kafka
  return new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
}

async function send(server: EmbeddedServer, topic: string, value: string): Promise<string> {
  const producer = clientOf(server).producer()
  await producer.connect()
  const [sent] = await producer.send({ topic, messages: [{ key: 'k', value }] })
  await producer.disconnect()
  return sent?.baseOffset ?? ''
}

async function topicsOf(server: EmbeddedServer): Promise<string[]> {
  const admin = clientOf(server).admin()
  await admin.connect()
  const topics = await admin.listTopics()
  await admin.disconnect()
  return topics
}

t.test('several servers run in one process, and know nothing of each other', async (t) => {
  const servers = await Promise.all([startServer(), startServer(), startServer()])
  t.teardown(() => Promise.all(servers.map((server) => server.close())))
  const ports = servers.flatMap(({ addresses }) => [addresses.kafka.port, addresses.http.port])
  t.equal(new Set(ports).size, 6, 'each has its own ports')
  await Promise.all(servers.map((server, index) => send(server, `topic-${index}`, 'a')))
  for (const [index, server] of servers.entries()) {
    t.same(await topicsOf(server), [`topic-${index}`])
    const { host, port } = server.addresses.http
    const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
    t.match(metrics, /^isthmus_appended_records_total 1$/m, 'metrics are of this server alone')
  }
})

t.test('a temporary folder goes with its server, and a given one stays', async (t) => {
  const temporary = await startServer()
  t.ok(existsSync(temporary.data))
  await send(temporary, 'a', 'b')
  await Promise.all([temporary.close(), temporary.close()])
  t.notOk(existsSync(temporary.data))

  const data = join(temporaryFolder(t), 'store')
  const first = await startServer({ data })
  t.equal(await send(first, 'kept', 'one'), '0')
  await first.close()
  const second = await startServer({ data })
  t.teardown(() => second.close())
  t.equal(await send(second, 'kept', 'two'), '1', 'what was sent before is there')
})

t.test('a server leaves nothing behind in the process', async (t) => {
  const names = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection', 'exit'] as const
  const count = () => names.map((name) => process.listenerCount(name))
  const before = count()
  const server = await startServer()
  t.same(count(), before)
  await server.close()
  t.same(count(), before)
})

t.test('a start that cannot work rejects and leaves nothing open', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const server = await startServer({ data })
  t.teardown(() => server.close())
  await t.rejects(startServer({ data }), { constructor: OpenError, code: 'locked' })
  const { port } = server.addresses.kafka
  await t.rejects(startServer({ kafkaPort: port }), {
    constructor: StartError,
    message: /--kafka-port\): the port is taken/
  })
  await t.rejects(startServer({ kafkaPort: 70_000 }), { message: /kafka-port: 70000/ })
  await t.rejects(startServer({ fly: true } as never), {
    constructor: UsageError,
    message: /unknown setting fly/
  })
  t.equal(await send(server, 'a', 'b'), '0', 'the first one is unharmed')
})

t.test('lifecycle events go to the log that was given', async (t) => {
  const events: string[] = []
  const server = await startServer({ log: (_level, event) => events.push(event) })
  await server.close()
  t.ok(events.includes('store-opened'))
  t.ok(events.includes('ready'))
})
