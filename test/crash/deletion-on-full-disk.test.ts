// The built server on a real small file system without room for appends: DeleteRecords and retention by time go on,
// they make the space, and appends are taken again without a restart. What was not deleted is there after a kill.

import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import type { OwnServer } from '../clients/server.ts'
import {
  again,
  Clients,
  diskBytes,
  isReady,
  page,
  reserveBytes,
  type Served,
  serviceNotAvailable,
  smallOptions,
  storageError,
  until,
  valueBytes
} from './disk-clients.ts'
import { deleteRecords, endOf, fetch, isOutOfRange } from './raw-requests.ts'
import { playOnSmallDisks, type SmallDisk } from './small-disk.ts'

/** Below the reserve, with room for what the store itself has to write. */
const lessThanReserve = reserveBytes - 2 * 1024 * 1024
const topics = ['keeps', 'goes']
/** What is still to come of the oldest record's time when retention is set. */
const restMs = 1000

async function started(t: Test, disk: SmallDisk): Promise<Served> {
  const server = await disk.serve(t, smallOptions)
  const clients = await Clients.of(server, topics)
  for (let i = 0; i < 5; i++) t.equal(await clients.produce('keeps'), 0)
  return { server, clients }
}

/** Appends of both protocols, to any topic, are refused, and the operator is told. */
async function refuses(t: Test, { server, clients }: Served): Promise<void> {
  for (const topic of topics) {
    t.equal(await clients.produce(topic), storageError, `Kafka's appends to ${topic} are refused`)
    t.equal((await clients.send(topic)).code, serviceNotAvailable, "and RocketMQ's")
  }
  t.match(JSON.parse((await page(server, '/healthz')).text), { state: 'disk-full' })
}

/** Segments go, more than before, and by that there is space. Around the reserve there may be some a moment earlier. */
async function makesSpace({ server }: Served, deletedBefore = 0): Promise<void> {
  await until('segments go', async () => (await deletedSegments(server)) > deletedBefore)
  await until('ready', isReady(server))
}

/** Appends of both protocols are taken, at the offsets behind those that were there. */
async function takes(t: Test, { clients }: Served, end: number): Promise<void> {
  t.equal(await clients.produce('goes'), 0)
  t.equal((await clients.send('goes')).code, 0)
  t.same([...(clients.stored.get('goes')?.keys() ?? [])].slice(-2), [end, end + 1])
  t.equal(await clients.produce('keeps'), 0)
}

async function deletedSegments(server: OwnServer): Promise<number> {
  const { text } = await page(server, '/metrics')
  return Number(/^isthmus_segments_deleted_total (\d+)$/m.exec(text)?.[1])
}

/** By DeleteRecords; what is left of the topic begins there. */
async function deleteBefore(t: Test, { clients }: Served, offset: number): Promise<void> {
  const { kafka } = clients
  t.equal(await deleteRecords(kafka, 'goes', 0, offset), offset)
  t.equal(await endOf(kafka, 'goes', 0, 'logStart'), offset)
  clients.forget('goes', offset)
  const below = await fetch(kafka, 'goes', 0, offset - 1, 0).catch((error) => error)
  t.ok(isOutOfRange(below), 'what was deleted is gone')
  await clients.verify(t, 'goes')
}

async function byDeleteRecords(t: Test, disk: SmallDisk): Promise<void> {
  const filled = await started(t, disk)
  const { server, clients } = filled
  for (let times = 0; times < 3; times++) {
    await clients.fill('goes')
    await refuses(t, filled)
    const end = await endOf(clients.kafka, 'goes', 0, 'highWatermark')
    const logStart = await endOf(clients.kafka, 'goes', 0, 'logStart')
    const deleted = await deletedSegments(server)
    await deleteBefore(t, filled, Math.floor((logStart + end) / 2))
    await makesSpace(filled, deleted)
    await takes(t, filled, end)
  }
  clients.close()
  await again(t, server, clients, topics)
}

/** Others leave nothing, then a little: with less than the reserve records can be deleted. */
async function besideOthers(t: Test, disk: SmallDisk): Promise<void> {
  const filled = await started(t, disk)
  const { server, clients } = filled
  while (disk.freeBytes > reserveBytes + 4 * valueBytes) t.equal(await clients.produce('goes'), 0)
  disk.fill()
  await clients.fill('goes')
  await refuses(t, filled)
  const end = await endOf(clients.kafka, 'goes', 0, 'highWatermark')
  // There may be room in the pages that the log has; with or without, nothing breaks.
  await deleteRecords(clients.kafka, 'goes', 0, 1).catch((error: Error) => {
    t.match(error.message, `error code ${storageError}`)
  })
  await clients.verify(t, 'keeps')
  disk.leave(lessThanReserve)
  await refuses(t, filled)
  await deleteBefore(t, filled, end)
  await makesSpace(filled)
  await takes(t, filled, end)
  t.ok(disk.freeBytes > reserveBytes, 'the reserve is there again, by what was deleted')
  clients.close()
  await again(t, server, clients, topics)
}

/** The topic's settings, as an admin client replaces them. */
async function setRetention(t: Test, server: OwnServer, ms: number): Promise<void> {
  const admin = new Kafka({ brokers: [server.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  const configEntries = [{ name: 'retention.ms', value: `${ms}` }]
  const resources = [{ type: 2, name: 'goes', configEntries }]
  await admin.alterConfigs({ validateOnly: false, resources })
}

async function byTime(t: Test, disk: SmallDisk): Promise<void> {
  const filled = await started(t, disk)
  const { server, clients } = filled
  const startedMs = Date.now()
  const { kafka } = clients
  await clients.fill('goes')
  await refuses(t, filled)
  const end = await endOf(kafka, 'goes', 0, 'highWatermark')
  await setRetention(t, server, Date.now() - startedMs + restMs)
  await makesSpace(filled)
  const logStart = await endOf(kafka, 'goes', 0, 'logStart')
  t.ok(logStart > 0, `records before ${logStart} went by their time`)
  // None of what follows is to go.
  await setRetention(t, server, -1)
  clients.forget('goes', await endOf(kafka, 'goes', 0, 'logStart'))
  await takes(t, filled, end)
  for (const topic of topics) await clients.verify(t, topic)
  clients.close()
  await again(t, server, clients, topics)
}

t.setTimeout(240_000)
playOnSmallDisks(t, fileURLToPath(import.meta.url), diskBytes, [
  [
    'below the reserve: DeleteRecords makes space, and appends go on',
    ['ext4', 'tmpfs'],
    byDeleteRecords
  ],
  ['full by others: what DeleteRecords frees is enough', ['tmpfs', 'ext4'], besideOthers],
  ['below the reserve: what expires makes space, and appends go on', ['tmpfs', 'ext4'], byTime]
])
