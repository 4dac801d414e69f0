// The built server on a real file system that is full: appends are refused, everything else goes on, and with space it
// goes on by itself. What was acknowledged is there after every restart.

import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import type { OwnServer } from '../clients/server.ts'
import {
  again,
  Clients,
  diskBytes,
  goesOn,
  isReady,
  page,
  reserveBytes,
  serviceNotAvailable,
  smallOptions,
  storageError,
  until
} from './disk-clients.ts'
import { commitOffset, committedOffset } from './raw-requests.ts'
import { playOnSmallDisks, type SmallDisk } from './small-disk.ts'

/** RUNS in the environment: how often others fill the disk; with it every scene is played on every file system. */
const fills = Number(process.env.RUNS ?? 1)
/** Of LevelDB's own disk: a few small files fit. */
const indexBytes = 128 * 1024
/** Groups whose offsets would need more than that. */
const indexGroups = 1200
const groupNameLength = 230

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
  const server = await disk.serve(t, smallOptions)
  let heard = ''
  server.heard = (text) => {
    heard += text
  }
  const clients = await Clients.of(server, ['keeps', 'goes'])
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

async function filledByOthers(t: Test, disk: SmallDisk): Promise<void> {
  const server = await disk.serve(t, smallOptions)
  const clients = await Clients.of(server, ['keeps'])
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
  const server = await disk.serve(t, smallOptions)
  await server.stop('SIGTERM')
  const index = disk.mountWithin(t, 'data/index', 'tmpfs', indexBytes)
  await server.start(server.port)
  const clients = await Clients.of(server, ['keeps'])
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
  index.unmount()
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

t.setTimeout(240_000)
playOnSmallDisks(t, fileURLToPath(import.meta.url), diskBytes, [
  [
    'below the reserve: all but appends goes on, and deletion makes space',
    ['tmpfs', 'ext4'],
    below
  ],
  [
    'filled to the last byte by others, and freed: no restart is needed',
    ['ext4', 'tmpfs'],
    filledByOthers
  ],
  ['filled under LevelDB alone: stops, and is made anew', ['tmpfs', 'ext4'], indexFull]
])
