/** Whole stores of which one file is not as it was written: opened, read, checked. */
import assert from 'node:assert/strict'
import { encodeBatch } from '../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatches, storedBatch } from '../../storage/batch/parse-batch.ts'
import { records } from '../../storage/batch/records.ts'
import { type CheckReport, checkStore } from '../../storage/check.ts'
import type { QueueUid } from '../../storage/contract.ts'
import { OpenError, StoreError } from '../../storage/errors.ts'
import { openStore } from '../../storage/open-store.ts'
import type { Store } from '../../storage/store.ts'
import { noLog, tinySettings } from '../storage/store-under-test.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { FuzzTarget } from './fuzz.ts'

const folders = ['log', 'snapshots'] as const
const queueCount = 3
const commits = 90
const recordsPerCommit = 3
const valueBytesMax = 400
const topic = '00112233445566778899aabbccddeeff'

/** A store at rest: its files, what its index holds, and what was written to its queues. */
interface Image {
  readonly files: ReadonlyMap<string, Buffer>
  readonly index: IndexCopies
  readonly written: ReadonlyMap<QueueUid, readonly string[]>
}

async function open(disk: FaultyDisk, index: IndexCopies): Promise<Store> {
  return await openStore({
    folder: '/data',
    fileSystem: disk,
    clock: new FakeClock(),
    random: new SeededRandom(1),
    log: noLog,
    openIndex: () => index.database,
    bootId: 'boot',
    settings: tinySettings
  })
}

/** Some segments with records of several queues, offsets that were committed, and a log start that moved. */
async function makeImage(isClosed: boolean): Promise<Image> {
  const random = new SeededRandom(7)
  const disk = new FaultyDisk({ random })
  disk.addFolder('/data')
  const index = new IndexCopies()
  await index.lay('lost')
  const store = await open(disk, index)
  const names = { kafka: 't', rocketmq: 't' }
  const made = await store.commit({
    changes: [{ op: 'create-topic', topic: { id: topic, names, queueCount } }]
  })
  const queues = made.topics[0]?.queues ?? []
  const written = new Map<QueueUid, string[]>(queues.map((queue) => [queue, []]))
  for (let i = 0; i < commits; i++) {
    const queue = random.pick(queues)
    const values = written.get(queue) ?? []
    const more = Array.from({ length: recordsPerCommit }, (_, j) => {
      return `${queue}:${values.length + j}:${'x'.repeat(random.integer(valueBytesMax))}`
    })
    const batch = encodeBatch(
      more.map((value) => ({ timestamp: 1_700_000_000_000 + i, value: Buffer.from(value) }))
    )
    await store.commit({ appends: [{ queue, batches: [batch], origin: 'kafka' }] })
    values.push(...more)
  }
  if (isClosed) await store.close()
  await index.copy()
  const rest = isClosed ? disk : disk.processKill()
  const files = new Map<string, Buffer>()
  for (const folder of folders)
    for (const name of await rest.list(`/data/${folder}`))
      files.set(`${folder}/${name}`, await contentOf(rest, `/data/${folder}/${name}`))
  if (!isClosed) files.set('open', await contentOf(rest, '/data/open'))
  return { files, index, written }
}

async function contentOf(disk: FaultyDisk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0, bytes.length, 0)
  await file.close()
  return bytes
}

async function diskWith(files: ReadonlyMap<string, Buffer>): Promise<FaultyDisk> {
  const disk = new FaultyDisk({ random: new SeededRandom(1) })
  for (const folder of folders) disk.addFolder(`/data/${folder}`)
  for (const [name, bytes] of files) {
    const file = await disk.open(`/data/${name}`, 'create')
    await file.writev([bytes], 0)
    await file.sync()
    await file.close()
  }
  for (const path of ['/data', ...folders.map((one) => `/data/${one}`)]) await disk.syncFolder(path)
  return disk
}

let made: Promise<Image>[] | undefined

/** One that was closed, and one that was killed. */
function images(): Promise<Image>[] {
  made ??= [makeImage(true), makeImage(false)]
  return made
}

/** One byte in front says which image, which of its files, and whether the index is as it was or lost. */
async function chosen(choice: number) {
  const image = (await images()[choice & 1]) as Image
  const names = [...image.files.keys()].filter((name) => name !== 'open').sort()
  const name = names[(choice >> 2) % names.length] as string
  return { image, name, names, isIndexKept: (choice & 2) === 0 }
}

function withoutZeros(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

export const recovery: FuzzTarget = {
  name: 'recovery',
  claim: 'a store opens or says why not; what it gives was written; what is missing is reported',
  seeds: async () => {
    const all: Buffer[] = []
    for (let choice = 0; choice < 256; choice++) {
      const { image, name, names } = await chosen(choice)
      if (choice >> 2 >= names.length) break
      const file = image.files.get(name) ?? Buffer.alloc(0)
      all.push(Buffer.concat([Buffer.from([choice]), withoutZeros(file)]))
    }
    return all
  },
  check: async (input) => {
    if (input.length === 0) return false
    const { image, name, isIndexKept } = await chosen(input.readUInt8(0))
    const files = new Map(image.files)
    const original = files.get(name) as Buffer
    const changed = input.subarray(1)
    const length = Math.max(original.length, changed.length)
    const zeros = Buffer.alloc(length - changed.length)
    files.set(name, Buffer.concat([changed, zeros]))
    return await openAndRead(image, await diskWith(files), await indexFor(image, isIndexKept))
  }
}

async function indexFor({ index }: Image, isKept: boolean): Promise<IndexCopies> {
  if (isKept) {
    await index.lay('older')
    // To be laid again for the next case.
    await index.copy()
    return index
  }
  const lost = new IndexCopies()
  await lost.lay('lost')
  return lost
}

async function openAndRead(image: Image, disk: FaultyDisk, index: IndexCopies): Promise<boolean> {
  const before = await checked(disk)
  let store: Store
  try {
    store = await open(disk, index)
  } catch (error) {
    if (!(error instanceof OpenError)) throw error
    assert.equal(disk.openFiles.size, 0, 'files were left open')
    return false
  }
  const { cut, damages } = store.recovery
  let missing = 0
  for (const [queue, values] of image.written) missing += await readQueue(store, queue, values)
  await store.close()
  assert.equal(disk.openFiles.size, 0, 'files were left open')
  await checked(disk)
  const isReported = cut !== undefined || damages.length > 0
  const isFound = before === undefined || before.problems.length > 0 || before.torn !== undefined
  assert(
    missing === 0 || isReported || isFound,
    `${missing} records are missing, and nobody says so`
  )
  assert(!isReported || isFound, 'the open reports what the checker does not see')
  return missing === 0
}

/** Undefined where the checker refuses the folder. */
async function checked(disk: FaultyDisk): Promise<CheckReport | undefined> {
  try {
    return await checkStore(disk, '/data')
  } catch (error) {
    if (error instanceof OpenError) return undefined
    throw error
  } finally {
    assert.equal(disk.openFiles.size, 0, 'the checker left files open')
  }
}

const readBytesMax = 20_000

/** How many records of the queue cannot be read. Throws where one is read that was not written there. */
async function readQueue(
  store: Store,
  queue: QueueUid,
  values: readonly string[]
): Promise<number> {
  let read = 0
  let at = 0
  while (at < values.length) {
    const request = { queue, offset: at, maxBytes: readBytesMax }
    const [data] = await store.read({
      queues: [request],
      maxBytes: readBytesMax,
      isolation: 'uncommitted'
    })
    assert(data !== undefined)
    if (data instanceof StoreError) {
      if (data.code === 'queue-gone') break
      assert(['corrupt', 'offset-out-of-range'].includes(data.code), data.code)
      at++
      continue
    }
    if (data.bytes === 0) break
    const batches = parseBatches(Buffer.concat(data.buffers), { ...storedBatch, records: true })
    if (isBatchFault(batches)) throw new Error(`a read gave no batches: ${batches.text}`)
    for (const batch of batches) {
      for (const { offset, value } of await records(batch)) {
        if (offset < at) continue
        assert.equal(String(value), values[offset], `${queue}@${offset}`)
        read++
      }
    }
    assert(data.nextOffset > at, 'a read does not get on')
    at = data.nextOffset
  }
  return values.length - read
}
