import t from 'tap'
import { RemotingConnection } from '../clients/remoting.ts'
import { type OwnServer, startIsthmus } from '../clients/server.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { checkHistory, type HistoryEvent } from './history.ts'
import { consume, type LoadOptions, Producer, readEverything } from './load.ts'
import { RawConnection } from './raw-connection.ts'
import { createTopic } from './raw-requests.ts'
import { RemotingProducer, remotingConsume } from './remoting-load.ts'
import { RemotingTimers } from './remoting-timers.ts'
import { RemotingTransactions } from './remoting-transactions.ts'

/** Kills under load; KILLS in the environment asks for more. */
const kills = Number(process.env.KILLS ?? 32)
/** A kill comes when so many batches, at most, were acknowledged since the start. */
const batchesPerLifeMax = 160
/** One start in so many is killed before it is ready. */
const startKilledOnceIn = 6
const startKilledMsMax = 300
const group = 'crash'
const remotingGroup = 'crash-remoting'

t.setTimeout(kills * 20_000)

const seed = seedOfRun
t.comment(`SEED=${seed} KILLS=${kills}`)
const random = new SeededRandom(seed)
const history: HistoryEvent[] = []
const load: LoadOptions = {
  topic: 'crash',
  partitions: 4,
  base: 0,
  random,
  record: (event) => history.push(event)
}
const producers = [
  new Producer('steady', true, 1, load),
  new Producer('eager', true, 5, load),
  new Producer('keen', true, 5, load),
  new Producer('plain', false, 1, load),
  new Producer('hasty', false, 5, load)
]

const remotingProducers = ['one', 'two', 'three'].map((name) => new RemotingProducer(name, load))
const timers = new RemotingTimers('crash-timers', random)
const transactions = new RemotingTransactions('crash-transactions', random)

/**
 * Both flush modes take turns on one folder: a killed process loses nothing that it wrote. Segments are so small that
 * many are sealed and begun in a run.
 */
const options = (): string[] => {
  const small = ['--segment-bytes', '262144', '--flush-bytes-max', '65536']
  return ['--flush', random.pick(['sync', 'async']), ...small]
}

/** Loads the server until some batches more are acknowledged, and kills it right then. */
async function loadAndKill(server: OwnServer): Promise<void> {
  const acknowledged = (): number =>
    [...producers, ...remotingProducers].reduce((n, p) => n + p.acknowledgedBatches, 0)
  const enough = acknowledged() + 1 + random.integer(batchesPerLifeMax)
  let killed: Promise<void> | undefined
  load.record = (event) => {
    history.push(event)
    if (!killed && acknowledged() >= enough) killed = server.stop('SIGKILL')
  }
  const { bootstrap } = server
  const broker = server.addresses.broker ?? ''
  const clients = [...producers.map((producer) => producer.run(bootstrap))]
  const remoting = remotingProducers.map((producer) => producer.run(broker))
  const consumers = [consume(bootstrap, group, load), remotingConsume(broker, remotingGroup, load)]
  await Promise.all([
    ...clients,
    ...remoting,
    ...consumers,
    timers.run(broker),
    transactions.run(broker)
  ])
  if (!killed) throw new Error(`the server went away by itself\n${server.log}`)
  await killed
}

/** A kill while it recovers. */
async function killTheStart(server: OwnServer, port: number): Promise<void> {
  const starting = server.start(port).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, random.integer(startKilledMsMax)))
  await server.stop('SIGKILL')
  await starting
}

await t.test(`${kills} times kill -9 under load`, async (t) => {
  const server = await startIsthmus(options())
  t.teardown(() => server.close())
  const { port } = server
  const connection = await RawConnection.open(server.bootstrap)
  await createTopic(connection, load.topic, load.partitions)
  await createTopic(connection, timers.topic, 1)
  await createTopic(connection, transactions.topic, 1)
  connection.close()

  for (let i = 0; i < kills; i++) {
    await loadAndKill(server)
    server.options = options()
    if (random.integer(startKilledOnceIn) === 0) await killTheStart(server, port)
    await server.start(port)
    await readEverything(server.bootstrap, load)
  }
  const everyone = [...producers, ...remotingProducers]
  const counts = everyone.map((p) => `${p.name} ${p.acknowledgedBatches}`)
  const total = await readEverything(server.bootstrap, load)
  t.comment(
    `acknowledged batches: ${counts.join(', ')}; records: ${total}; timers: ${timers.acknowledged}`
  )
  for (const producer of everyone) t.ok(producer.acknowledgedBatches > 0, `${producer.name} sent`)
  t.ok(
    history.some(({ kind }) => kind === 'commit-acknowledged'),
    'the consumer committed'
  )
  t.same(checkHistory(history), [], 'the history has no violation')
  t.ok(timers.acknowledged > 0, 'timers were set')
  const remoting = await RemotingConnection.open(server.addresses.broker ?? '')
  t.same(await timers.violations(remoting), [], 'each timer came once, and not before its time')
  t.ok(transactions.ended > 0, 'transactions were ended')
  t.same(await transactions.violations(remoting), [], 'each transaction ended once, as it was told')
  remoting.close()
  await server.stop('SIGTERM')
  await t.resolves(server.check(), 'the store is sound')
})
