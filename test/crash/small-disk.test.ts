// The built server on a real file system that is full: appends are refused, everything else goes on, and with space it
// goes on by itself. What was acknowledged is there after every restart.

import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import { RemotingConnection, RemotingRefused } from '../clients/remoting.ts'
import type { OwnServer } from '../clients/server.ts'
import { decodeBatches } from './raw-bytes.ts'
import { RawConnection } from './raw-connection.ts'
import { commitOffset, committedOffset, createTopic, fetch, produce } from './raw-requests.ts'
import { sendOne } from './remoting-load.ts'
import { mountable, runUnshared, SmallDisk } from './small-disk.ts'

const mib = 1024 * 1024
const diskBytes = 24 * mib
const reserveBytes = 6 * mib
/** RUNS in the environment: how often others fill the disk; with it every scene is played on every file system. */
const fills = Number(process.env.RUNS ?? 1)
const isLong = process.env.RUNS !== undefined
const noProducer = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
const storageError = 56
const serviceNotAvailable = 14
const valueBytes = 100_000
/** Of LevelDB's own disk: a few small files fit. */
const indexBytes = 128 * 1024
/** Groups whose offsets would need more than that. */
const indexGroups = 1200
const groupNameLength = 230

const options = (reserve: number): string[] => [
  ...['--reserve-bytes', `${reserve}`, '--segment-bytes', `${mib}`],
  ...['--checkpoint-bytes', `${mib}`, '--tail-bytes', '65536'],
  ...['--retention-check-interval-ms', '100']
]

/** Clients of both protocols, and what they were acknowledged: offset and value's beginning, by topic. */
class Clients {
  readonly stored = new Map<string, Map<number, string>>()
  readonly #server: OwnServer
  kafka!: RawConnection
  remoting!: RemotingConnection
  #count = 0

  constructor(server: OwnServer) {
    this.#server = server
  }

  async connect(): Promise<void> {
    this.kafka = await RawConnection.open(this.#server.bootstrap)
    this.remoting = await RemotingConnection.open(this.#server.addresses.broker ?? '')
  }

  close(): void {
    this.kafka.close()
    this.remoting.close()
  }

  /** By Kafka's protocol; its error code. */
  async produce(topic: string): Promise<number> {
    const value = this.#value()
    const { code, baseOffset } = await produce(this.kafka, topic, 0, [value], noProducer)
    if (code === 0) this.#note(topic, baseOffset, value)
    return code
  }

  /** By RocketMQ's; its response code, and what it says. */
  async send(topic: string): Promise<{ code: number; text: string }> {
    const value = this.#value()
    try {
      this.#note(topic, await sendOne(this.remoting, topic, 0, value), value)
      return { code: 0, text: '' }
    } catch (error) {
      if (!(error instanceof RemotingRefused)) throw error
      return { code: error.code, text: error.message }
    }
  }

  /** Turns of both until both are refused. */
  async fill(topic: string): Promise<{ kafka: number; rocketmq: number; text: string }> {
    for (let turns = 0; turns < 2 * (diskBytes / valueBytes); turns++) {
      const kafka = await this.produce(topic)
      const { code: rocketmq, text } = await this.send(topic)
      if (kafka !== 0 && rocketmq !== 0) return { kafka, rocketmq, text }
    }
    throw new Error('the disk does not become full')
  }

  /** Everything acknowledged is read where it was said to be. */
  async verify(t: Test, topic: string): Promise<void> {
    const left = new Map(this.stored.get(topic))
    let at = 0
    for (;;) {
      const { records, highWatermark } = await fetch(this.kafka, topic, 0, at, 0)
      const some = decodeBatches(records).filter(({ offset }) => offset >= at)
      for (const { offset, value } of some)
        if (`${value}`.startsWith(`${left.get(offset)}.`)) left.delete(offset)
      at += some.length
      if (at >= highWatermark || some.length === 0) break
    }
    t.same([...left], [], `${this.stored.get(topic)?.size} acknowledged records are there`)
  }

  #value(): Buffer {
    return Buffer.alloc(valueBytes, `value-${this.#count++}.`)
  }

  #note(topic: string, offset: number, value: Buffer): void {
    const stored = this.stored.get(topic) ?? new Map<number, string>()
    this.stored.set(topic, stored)
    stored.set(offset, value.toString('latin1', 0, value.indexOf('.')))
  }
}

async function page(server: OwnServer, path: string): Promise<{ status: number; text: string }> {
  const answer = await globalThis.fetch(`http://${server.addresses.http}${path}`)
  return { status: answer.status, text: await answer.text() }
}

/** Asks until it is so; a server that has a second to find out is given many. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not in 30 s`)
}

const isReady = (server: OwnServer) => async () => (await page(server, '/healthz')).status === 200

/** What goes on while appends are refused. */
async function goesOn(t: Test, clients: Clients, topic: string): Promise<void> {
  await clients.verify(t, topic)
  await commitOffset(clients.kafka, 'g', topic, 0, 7)
  t.equal(await committedOffset(clients.kafka, 'g', topic, 0), 7, 'offsets are committed')
}

async function clientWaits(t: Test, server: OwnServer): Promise<void> {
  const kafka = new Kafka({
    brokers: [server.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 100, initialRetryTime: 100, maxRetryTime: 300 }
  })
  const [producer, admin] = [kafka.producer(), kafka.admin()]
  t.teardown(() => Promise.all([producer.disconnect(), admin.disconnect()]))
  await Promise.all([producer.connect(), admin.connect()])
  let isDone = false
  const sent = producer.send({ topic: 'keeps', messages: [{ value: 'patient' }] }).then(() => {
    isDone = true
  })
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.notOk(isDone, 'a client that is refused tries again')
  await admin.deleteTopics({ topics: ['goes'] })
  await sent
}

async function below(t: Test, disk: SmallDisk): Promise<void> {
  const server = await disk.serve(t, options(reserveBytes))
  let heard = ''
  server.heard = (text) => {
    heard += text
  }
  const clients = new Clients(server)
  await clients.connect()
  for (const topic of ['keeps', 'goes']) await createTopic(clients.kafka, topic, 1)
  for (let i = 0; i < 5; i++) await clients.produce('keeps')
  const { kafka, rocketmq, text } = await clients.fill('goes')
  t.equal(kafka, storageError)
  t.equal(rocketmq, serviceNotAvailable)
  t.match(text, /reserve/, 'RocketMQ clients are told why')
  t.ok(disk.freeBytes > reserveBytes / 2, 'the reserve is there')
  const health = await page(server, '/healthz')
  t.equal(health.status, 503)
  t.match(JSON.parse(health.text), { state: 'disk-full', reason: /reserve/ })
  t.match((await page(server, '/metrics')).text, /isthmus_appends_refused 1\n/)
  t.match(heard, /"appends-refused"/)
  await goesOn(t, clients, 'goes')
  await clientWaits(t, server)
  await until('ready', isReady(server))
  t.match((await page(server, '/metrics')).text, /isthmus_appends_refused 0\n/)
  t.match(heard, /"appends-taken-again"/)
  t.equal(await clients.produce('keeps'), 0)
  t.equal((await clients.send('keeps')).code, 0)
  clients.close()
  await again(t, server, clients, ['keeps'])
}

/** Restarts after a kill: everything is there, the store is sound. */
async function again(
  t: Test,
  server: OwnServer,
  clients: Clients,
  topics: readonly string[]
): Promise<void> {
  await server.restart('SIGKILL')
  await clients.connect()
  for (const topic of topics) await clients.verify(t, topic)
  clients.close()
  await server.stop('SIGTERM')
  await t.resolves(server.check(), 'the store is sound')
}

async function filledByOthers(t: Test, disk: SmallDisk): Promise<void> {
  const server = await disk.serve(t, options(reserveBytes))
  const clients = new Clients(server)
  await clients.connect()
  await createTopic(clients.kafka, 'keeps', 1)
  for (let i = 0; i < 30; i++) await clients.produce('keeps')
  for (let times = 0; times < fills; times++) {
    disk.fill()
    // What fills the last page of the log may still be taken.
    const { kafka, rocketmq } = await clients.fill('keeps')
    t.equal(kafka, storageError)
    t.equal(rocketmq, serviceNotAvailable)
    await clients.verify(t, 'keeps')
    // Nothing can be written: an error, and no crash.
    await commitOffset(clients.kafka, 'g', 'keeps', 0, times).catch(() => undefined)
    disk.free()
    await until('ready', isReady(server))
    await goesOn(t, clients, 'keeps')
    for (let i = 0; i < 12; i++) t.equal(await clients.produce('keeps'), 0)
  }
  disk.fill()
  await clients.fill('keeps')
  clients.close()
  await server.stop('SIGTERM')
  await t.rejects(server.start(server.port), /ended with 3/, 'a start without any space is refused')
  t.match(server.log, /ENOSPC|No space/i, 'and says why')
  disk.free()
  await server.start(server.port)
  await again(t, server, clients, ['keeps'])
}

/** LevelDB alone meets the end, on a disk of its own: the server stops, and its next start makes the view anew. */
async function indexFull(t: Test, disk: SmallDisk): Promise<void> {
  const server = await disk.serve(t, options(reserveBytes))
  await server.stop('SIGTERM')
  const unmount = disk.mountWithin(t, 'data/index', indexBytes)
  await server.start(server.port)
  const clients = new Clients(server)
  await clients.connect()
  await createTopic(clients.kafka, 'keeps', 1)
  let groups = 0
  const end = await (async () => {
    for (let i = 0; i < indexGroups; i++) {
      const name = `${i}`.padEnd(groupNameLength, 'g')
      await commitOffset(clients.kafka, name, 'keeps', 0, i)
      groups++
      if (i % 20 === 0) await clients.produce('keeps')
    }
    return 'nothing'
  })().catch((error: Error) => error.message)
  t.not(end, 'nothing', 'the server stopped')
  t.equal(await server.ended, 1)
  t.match(server.log, /"store-failed"/)
  clients.close()
  unmount()
  await server.start(server.port)
  t.match(server.log, /"rebuilt":"/, 'the view is made anew')
  await clients.connect()
  await clients.verify(t, 'keeps')
  for (const i of [0, groups >> 1, groups - 1]) {
    const name = `${i}`.padEnd(groupNameLength, 'g')
    t.equal(await committedOffset(clients.kafka, name, 'keeps', 0), i)
  }
  clients.close()
  await again(t, server, clients, ['keeps'])
}

const kinds = mountable()
if (kinds.length === 0 && !runUnshared(fileURLToPath(import.meta.url))) {
  const why = 'NOT RUN: neither root nor `unshare -rm` can mount a small file system here'
  console.error(why)
  t.test('a small disk', { skip: why }, (t) => t.end())
}
t.setTimeout(240_000)
const scenes = [
  ['below the reserve: all but appends goes on, and deletion makes space', 'tmpfs', below],
  ['filled to the last byte by others, and freed: no restart is needed', 'ext4', filledByOthers],
  ['filled under LevelDB alone: stops, and is made anew', 'tmpfs', indexFull]
] as const
for (const [name, usual, scene] of scenes)
  for (const kind of kinds) {
    if (!isLong && kind !== usual && kinds.length > 1) continue
    t.test(`${kind}, ${name}`, async (t) => {
      const disk = SmallDisk.mount(t, kind, diskBytes)
      if (disk === undefined) throw new Error(`${kind} cannot be mounted, though we are root`)
      await scene(t, disk)
    })
  }
