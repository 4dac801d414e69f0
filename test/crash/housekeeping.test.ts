/*
 * Kills in the middle of what a store does by itself (sealing, snapshots, deleting, cleaning and compacting segments),
 * of its recovery and of `isthmus reindex`, while clients of both protocols write, read, commit, delete records and topics.
 * KILLS in the environment asks for more of them.
 */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type OwnServer, startIsthmus } from '../clients/server.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { type Aim, aims } from './aims.ts'
import { autopsy } from './autopsy.ts'
import { CompactedLoad } from './compacted-load.ts'
import { FolderWatch } from './folder-watch.ts'
import { Expiry, ShortTopics, trim } from './going-records.ts'
import { HistoryChecker, type HistoryEvent } from './history.ts'
import { reindex } from './killed-command.ts'
import { consume, type LoadOptions, Producer, readEverything } from './load.ts'
import { RawConnection } from './raw-connection.ts'
import { createTopic } from './raw-requests.ts'
import { RemotingProducer, remotingConsume } from './remoting-load.ts'

const kills = Number(process.env.KILLS ?? 8)
/** With fewer, what is hit is left to chance: a kill may come when what it is aimed at is over. */
const hitsAllFrom = 30
const hitsAll = kills >= hitsAllFrom
/** Further ones while some work was never hit. */
const attemptsMax = hitsAll ? kills * 2 + 40 : kills + 8
/** An aim that did not come up for so long is given up: the kill comes anyway. */
const aimMsMax = 20_000
const retentionMs = 1500
/** After the first sign of a start. */
const startKilledMsMax = 150
/** One start in so many is killed, or a reindex before it. */
const furtherKillOnceIn = 3
/** How often compacted topics are written to where the aim does not want it. */
const compactsOtherwise = 0.2
/** Of what the server said last, where it failed. */
const logBytesTold = 4096

t.setTimeout(120_000 + kills * 40_000)

const seed = seedOfRun
t.comment(`SEED=${seed} KILLS=${kills}`)
const random = new SeededRandom(seed)
const expiry = new Expiry(retentionMs)
/** Judged while it happens: all that is read of compacted topics, again and again, is too much to keep. */
const record = (event: HistoryEvent): void => {
  events++
  history.see(event)
}
const compacted = new CompactedLoad({ random, base: 300, record })
const history = new HistoryChecker(compacted)
let events = 0
const common = { random, record }

/** Much is written and most of it deleted soon. */
const main: LoadOptions = { ...common, topic: 'main', partitions: 3, base: 0 }
/** A little is written now and then, and stays: in between lies what goes. */
const kept: LoadOptions = { ...common, topic: 'kept', partitions: 2, base: 100, pauseMs: 4 }
/** What is in it goes by its age. */
const fading: LoadOptions = {
  ...common,
  topic: 'fading',
  partitions: 1,
  base: 200,
  record: (event) => {
    expiry.note(event)
    record(event)
  },
  beforeRead: (queue) => {
    const partition = fading.base + queue
    record({ kind: 'may-go', partition, offset: expiry.youngest(partition) })
  }
}
const brief = new ShortTopics({ ...common, topic: 'brief', partitions: 1, base: 10_000 })
const steady = [main, kept, fading]
const writers = {
  always: [
    new Producer('eager', true, 5, main),
    new Producer('hasty', false, 5, main),
    new Producer('fading', true, 5, fading)
  ],
  some: [new Producer('few', true, 1, kept)],
  remoting: [new RemotingProducer('one', main), new RemotingProducer('two', fading)]
}

function optionsFor({ cleanerPace }: Aim): string[] {
  const settings = {
    flush: random.pick(['sync', 'async']),
    'segment-bytes': 65_536,
    'flush-bytes-max': 16_384,
    'checkpoint-bytes': random.pick([16_384, 65_536, 2 ** 26]),
    'tail-bytes': 65_536,
    'retention-check-interval-ms': random.pick([50, 300]),
    'cleaner-bytes-per-second-max': cleanerPace
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** Passes of log compaction that were done. */
let passes = 0
let onPassed = (): void => {}

function hear(text: string): void {
  if (!text.includes('"event":"compacted"')) return
  passes++
  onPassed()
}

/** How many kills hit what. */
const hits = new Map<string, number>()

function noteHits(during: Iterable<string>): void {
  for (const work of during) hits.set(work, (hits.get(work) ?? 0) + 1)
}

const dataOf = (server: OwnServer): string => join(server.folder, 'data')

/** Clients that write as much as they can, and have it deleted. */
function runMuch(bootstrap: string, broker: string): Promise<void>[] {
  return [
    ...writers.always.map((one) => one.run(bootstrap)),
    ...writers.remoting.map((one) => one.run(broker)),
    trim(bootstrap, main, 100, 40),
    brief.run(bootstrap)
  ]
}

/** Clients that write a little, and have some of it deleted. */
function runSome(bootstrap: string): Promise<void>[] {
  return [...writers.some.map((one) => one.run(bootstrap)), trim(bootstrap, kept, 400, 2000)]
}

/** Loads the server until the aim is due, and kills it right then. */
async function loadAndKill(server: OwnServer, aim: Aim): Promise<void> {
  const { bootstrap } = server
  const broker = server.addresses.broker ?? ''
  const watch = new FolderWatch(dataOf(server), ['log', 'snapshots', 'index'])
  let isKilled = false
  const signal = (name: NodeJS.Signals): boolean => {
    if (!isKilled) process.kill(server.pid(), name)
    return !isKilled
  }
  const passed = (): Promise<void> =>
    new Promise((resolve) => {
      onPassed = resolve
    })
  const due = aim.due({ data: dataOf(server), watch, random, passed, signal })
  const late = new AbortController()
  const patience = setTimeout(aimMsMax, undefined, { signal: late.signal }).catch(() => undefined)
  const killed = Promise.race([due, patience]).then(async () => {
    late.abort()
    isKilled = true
    await server.stop('SIGKILL')
  })
  const { load } = aim
  const compacts = load === 'compacted' || random.chance(compactsOtherwise)
  await Promise.all([
    ...(compacts ? compacted.run(bootstrap) : []),
    ...(load === 'compacted' ? [] : runMuch(bootstrap, broker)),
    ...(load === 'stays' ? runSome(bootstrap) : []),
    ...[consume(bootstrap, 'main', main), consume(bootstrap, 'fading', fading)],
    remotingConsume(broker, 'main-remoting', main)
  ])
  // Clients end when the server is gone; nobody but this test may have ended it.
  await killed
  watch.close()
}

/** What died must be sound; what it died in is counted. */
async function lookAt(t: Test, server: OwnServer): Promise<void> {
  const { during, problems } = await autopsy(dataOf(server))
  t.same(problems, [], 'the store that is left is sound')
  noteHits(during)
  if (during.size === 0) noteHits(['none of these'])
}

/** Kills a start after its first sign of life in the store. */
async function killTheStart(server: OwnServer, port: number): Promise<void> {
  const watch = new FolderWatch(dataOf(server), ['index'])
  let isKilled = false
  const killed = watch
    .first(() => true)
    .then(async () => {
      await setTimeout(random.integer(startKilledMsMax))
      isKilled = true
      await server.stop('SIGKILL')
    })
  const isReady = await server.start(port).then(
    () => !isKilled,
    (error: Error) => {
      if (!isKilled) throw error
      return false
    }
  )
  await killed
  watch.close()
  noteHits([isReady ? 'none of these' : 'recovery'])
}

let reindexMs = 100

/** Kills `isthmus reindex` within the time that it last took. */
async function killReindex(data: string): Promise<void> {
  const { isKilled, tookMs } = await reindex(data, random.integer(reindexMs))
  if (isKilled) noteHits(['reindex'])
  else reindexMs = Math.ceil(tookMs)
}

async function readAll(server: OwnServer): Promise<number> {
  let total = 0
  for (const load of steady) total += await readEverything(server.bootstrap, load)
  total += await compacted.readAll(server.bootstrap)
  await brief.look(server.bootstrap)
  return total
}

/** What is to be hit, and was not yet. */
function missing(): string[] {
  return [...aims.map(({ at }) => at), 'recovery', 'reindex'].filter((work) => !hits.has(work))
}

async function makeTopics(server: OwnServer): Promise<void> {
  const connection = await RawConnection.open(server.bootstrap)
  for (const { topic, partitions } of [main, kept]) {
    await createTopic(connection, topic, partitions)
  }
  const settings = { 'retention.ms': String(retentionMs) }
  await createTopic(connection, fading.topic, fading.partitions, settings)
  await compacted.make(connection)
  for (const { topic } of steady) record({ kind: 'topic-made', topic })
  connection.close()
}

/** One life and its end; what comes between two lives may be killed too. */
async function killOnce(t: Test, server: OwnServer, aim: Aim, next: Aim): Promise<void> {
  const { port } = server
  await loadAndKill(server, aim)
  await lookAt(t, server)
  const wanted = missing()
  server.options = optionsFor(next)
  if (wanted.includes('reindex') || random.integer(furtherKillOnceIn) === 0)
    await killReindex(dataOf(server))
  if (wanted.includes('recovery') || random.integer(furtherKillOnceIn) === 0)
    await killTheStart(server, port)
  // Between lives only: a process that was not killed in time may be there.
  await server.stop('SIGKILL')
  await server.start(port)
  await readAll(server)
}

function aimOf(i: number): Aim {
  const [wanted] = missing()
  const aim = i < kills ? aims[i % aims.length] : aims.find(({ at }) => at === wanted)
  return aim ?? random.pick(aims)
}

await t.test(`${kills} times kill -9 in the middle of a store's own work`, async (t) => {
  let aim = aimOf(0)
  const server = await startIsthmus(optionsFor(aim))
  t.teardown(() => server.close())
  server.heard = hear
  await makeTopics(server)
  for (let i = 1; i <= kills || (missing().length > 0 && i <= attemptsMax); i++) {
    const next = aimOf(i)
    await killOnce(t, server, aim, next).catch((error) => {
      t.comment(server.log.slice(-logBytesTold))
      throw error
    })
    aim = next
  }
  const total = await readAll(server)
  t.comment(`kills in: ${[...hits].map(([work, count]) => `${work} ${count}`).join(', ')}`)
  t.comment(
    `${passes} compactions done, ${total} records left, ${brief.count} topics made, ${events} events`
  )
  if (hitsAll) {
    t.ok(passes > 0, 'compaction got through')
    t.same(missing(), [], 'each kind of work was hit')
  }
  t.same(history.violations, [], 'the history has no violation')
  await server.stop('SIGTERM')
  t.equal((await reindex(dataOf(server))).isKilled, false)
  await t.resolves(server.check(), 'the store is sound')
})
