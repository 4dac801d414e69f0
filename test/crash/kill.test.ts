import t from 'tap'
import { chooseSeed, seededRandom } from '../clients/random.ts'
import { type OwnServer, startIsthmus } from '../clients/server.ts'
import { checkHistory, type HistoryEvent } from './history.ts'
import { consume, type LoadOptions, Producer, readEverything } from './load.ts'
import { RawConnection } from './raw-connection.ts'
import { createTopic } from './raw-requests.ts'

/** Kills under load; KILLS in the environment asks for more. */
const kills = Number(process.env.KILLS ?? 32)
/** A kill comes when so many batches, at most, were acknowledged since the start. */
const batchesPerLifeMax = 160
/** One start in so many is killed before it is ready. */
const startKilledOnceIn = 6
const startKilledMsMax = 300
const group = 'crash'

t.setTimeout(kills * 10_000)

const seed = chooseSeed()
t.comment(`SEED=${seed} KILLS=${kills}`)
const random = seededRandom(seed)
const history: HistoryEvent[] = []
const load: LoadOptions = {
  topic: 'crash',
  partitions: 4,
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
  const acknowledged = (): number => producers.reduce((n, p) => n + p.acknowledgedBatches, 0)
  const enough = acknowledged() + 1 + random.below(batchesPerLifeMax)
  let killed: Promise<void> | undefined
  load.record = (event) => {
    history.push(event)
    if (!killed && acknowledged() >= enough) killed = server.stop('SIGKILL')
  }
  const { bootstrap } = server
  const clients = [...producers.map((producer) => producer.run(bootstrap))]
  await Promise.all([...clients, consume(bootstrap, group, load)])
  if (!killed) throw new Error(`the server went away by itself\n${server.log}`)
  await killed
}

/** A kill while it recovers. */
async function killTheStart(server: OwnServer, port: number): Promise<void> {
  const starting = server.start(port).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, random.below(startKilledMsMax)))
  await server.stop('SIGKILL')
  await starting
}

await t.test(`${kills} times kill -9 under load`, async (t) => {
  const server = await startIsthmus(options())
  t.teardown(() => server.close())
  const { port } = server
  const connection = await RawConnection.open(server.bootstrap)
  await createTopic(connection, load.topic, load.partitions)
  connection.close()

  for (let i = 0; i < kills; i++) {
    await loadAndKill(server)
    server.options = options()
    if (random.below(startKilledOnceIn) === 0) await killTheStart(server, port)
    await server.start(port)
    await readEverything(server.bootstrap, load)
  }
  const counts = producers.map((p) => `${p.name} ${p.acknowledgedBatches}`)
  const total = await readEverything(server.bootstrap, load)
  t.comment(`acknowledged batches: ${counts.join(', ')}; records: ${total}`)
  for (const producer of producers) t.ok(producer.acknowledgedBatches > 0, `${producer.name} sent`)
  t.ok(
    history.some(({ kind }) => kind === 'commit-acknowledged'),
    'the consumer committed'
  )
  t.same(checkHistory(history), [], 'the history has no violation')
  await server.stop('SIGTERM')
  await t.resolves(server.check(), 'the store is sound')
})
