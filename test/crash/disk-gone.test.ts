// The built server on a real file system that goes away under it, or may not be written: it says why in one line and
// ends, nothing acknowledged is lost, and when the file system is there again it goes on.

import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runCommand } from '../src/run-command.ts'
import { again, Clients, goesOn, type Served, smallOptions } from './disk-clients.ts'
import { playOnSmallDisks, type SmallDisk } from './small-disk.ts'

/** RUNS in the environment: how often the disk goes away. */
const cuts = Number(process.env.RUNS ?? 2)
const indexBytes = 16 * 1024 * 1024
/** Of what all rounds append far less is filled. */
const diskBytes = 128 * 1024 * 1024
/** Records of each protocol that are acknowledged before the disk goes. */
const appendsBefore = 8

async function started(t: Test, disk: SmallDisk): Promise<Served> {
  const server = await disk.serve(t, smallOptions)
  const clients = await Clients.of(server, ['keeps'])
  return { server, clients }
}

/** Starts are refused in one line while the disk is as it is. */
async function refusesToStart(t: Test, { server }: Served, why: RegExp): Promise<void> {
  const words = ['serve', '--data', `${server.folder}/data`, '--log-level', 'error']
  const running = runCommand(t, words)
  t.same(await running.ended, { code: 3, signal: null })
  t.match(running.errors, /^isthmus: [^\n]*\n$/, 'one line')
  t.match(running.errors, why)
}

/**
 * The disk goes between two appends: of an fdatasync under way in that moment ext4 may say that it succeeded, though
 * its journal was given up (seen with Linux 6.18). The server says so once, and ends with 1.
 */
async function goesUnder(t: Test, { server, clients }: Served, disk: SmallDisk): Promise<void> {
  for (let i = 0; i < appendsBefore; i++) {
    t.equal(await clients.produce('keeps'), 0)
    t.equal((await clients.send('keeps')).code, 0)
  }
  let heard = ''
  server.heard = (text) => {
    heard += text
  }
  await disk.shutDown()
  await clients.appendUntilGone('keeps')
  t.equal(await server.ended, 1)
  t.equal(heard.match(/"event":"store-failed"/g)?.length, 1)
  t.match(heard, /Input\/output error|EIO/)
}

async function wholeDisk(t: Test, disk: SmallDisk): Promise<void> {
  const one = await started(t, disk)
  const { server, clients } = one
  for (let times = 0; times < cuts; times++) {
    await goesOn(t, clients, 'keeps')
    await goesUnder(t, one, disk)
    await refusesToStart(t, one, /EIO|Input\/output error/)
    disk.unmount()
    disk.mountAgain()
    await server.start(server.port)
    await clients.connect()
    await clients.verify(t, 'keeps')
  }
  clients.close()
  await again(t, server, clients, ['keeps'])
}

async function indexDisk(t: Test, disk: SmallDisk): Promise<void> {
  const one = await started(t, disk)
  const { server, clients } = one
  await server.stop('SIGTERM')
  const index = disk.mountWithin(t, 'data/index', 'ext4', indexBytes)
  for (let times = 0; times < cuts; times++) {
    await server.start(server.port)
    await clients.connect()
    await clients.verify(t, 'keeps')
    await goesUnder(t, one, index)
    await refusesToStart(t, one, /the index cannot be opened: .*Input\/output error/)
    index.unmount()
    index.mountAgain()
  }
  await server.start(server.port)
  await again(t, server, clients, ['keeps'])
}

async function readOnly(t: Test, disk: SmallDisk): Promise<void> {
  const one = await started(t, disk)
  const { server, clients } = one
  t.equal(await clients.produce('keeps'), 0)
  t.equal((await clients.send('keeps')).code, 0)
  clients.close()
  await server.stop('SIGKILL')
  const index = disk.mountWithin(t, 'data/index', 'tmpfs', indexBytes)
  index.setReadOnly(true)
  await refusesToStart(t, one, /the index cannot be opened: .*Read-only file system/)
  index.setReadOnly(false)
  disk.setReadOnly(true)
  await refusesToStart(t, one, /read-only file system/)
  disk.setReadOnly(false)
  await server.start(server.port)
  await clients.connect()
  await clients.verify(t, 'keeps')
  clients.close()
  await again(t, server, clients, ['keeps'])
}

/** Processes start slowly on a busy machine. */
t.setTimeout(240_000)
playOnSmallDisks(t, fileURLToPath(import.meta.url), diskBytes, [
  ['the whole disk goes away: nothing acknowledged is lost', ['ext4'], wholeDisk],
  ["LevelDB's disk alone goes away: the server stops, and goes on with it", ['ext4'], indexDisk],
  ['a disk that may not be written: the start is refused in one line', ['tmpfs'], readOnly]
])
