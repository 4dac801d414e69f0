import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  checkSnapshot,
  listSnapshots,
  parseSnapshotFileName,
  pruneSnapshots,
  readSnapshot,
  type SnapshotHeader,
  snapshotFileName,
  writeSnapshot
} from '../../../storage/layout/snapshot.ts'
import type { StoredRow } from '../../../storage/state/stored-rows.ts'
import { storedRow } from '../state/arbitrary-rows.ts'
import { MemoryFile } from './memory-file.ts'
import { MemoryFileSystem } from './memory-file-system.ts'

const storeId = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const header: SnapshotHeader = {
  storeId,
  clusterId: 'abc',
  sequence: 42,
  address: { segment: 7, position: 5000 },
  appendTimeMs: 1700000000456
}
const rows: StoredRow[] = [
  { family: 'setting', row: { name: 'n', value: 'v' } },
  { family: 'log-start', row: { queue: 5, offset: 7 } }
]
const path = 'data/state-0000000000000042.snapshot'

/** Put together from docs/storage-format.md with another CRC-32C. */
const golden = `
  49535448 534e4150 00000001 00000000 00000000
  00112233445566778899aabbccddeeff 000000000000002a
  0000000000000007 0000000000001388 0000018bcfe569c8 0003 616263 cdc51809
  4953434b 0000000c 00000002 01230f3b 05 05 01016e0176 03 03 010507
  4953454e 00000001 0000000000000002 8768f210`

async function read(fileSystem: MemoryFileSystem, expected: { storeId?: Buffer } = {}) {
  const found: StoredRow[] = []
  const result = await readSnapshot(fileSystem, path, expected, (entry) => void found.push(entry))
  assert.equal(fileSystem.openFiles, 0)
  return { result, found }
}

async function written(entries: Iterable<StoredRow> = rows): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await writeSnapshot(fileSystem, 'data', header, entries)
  return fileSystem
}

t.test('a snapshot has these bytes, and reads back', async (t) => {
  const fileSystem = await written()
  const expected = Buffer.from(golden.replace(/\s/g, ''), 'hex')
  t.equal(fileSystem.files.get(path)?.bytes.toString('hex'), expected.toString('hex'))
  t.same(await read(fileSystem, { storeId }), { result: header, found: rows })
})

t.test('it counts only once all of it is durable', async (t) => {
  const fileSystem = new MemoryFileSystem()
  const temporary = 'data/state-0000000000000042.snapshot.new'
  fileSystem.files.set(temporary, new MemoryFile(Buffer.from('left over')))
  t.match(await writeSnapshot(fileSystem, 'data', header, rows), { rowCount: 2 })
  t.same(fileSystem.calls, [
    `unlink ${temporary}`,
    `open ${temporary}`,
    `sync ${temporary}`,
    `rename ${temporary} ${path}`,
    'syncFolder data'
  ])
  t.equal(fileSystem.openFiles, 0)
})

t.test('a failing source of rows leaves no snapshot behind, and no open file', async (t) => {
  const fileSystem = new MemoryFileSystem()
  async function* failing(): AsyncGenerator<StoredRow> {
    yield* rows
    throw new Error('the source failed')
  }
  await t.rejects(writeSnapshot(fileSystem, 'data', header, failing()), /the source failed/)
  t.equal(fileSystem.openFiles, 0)
  t.same(await listSnapshots(fileSystem, 'data'), [])
  await pruneSnapshots(fileSystem, 'data')
  t.equal(fileSystem.files.size, 0)
})

t.test(
  'many rows go into chunks of 64 KiB at most, a larger row into one of its own',
  async (t) => {
    const many: StoredRow[] = []
    for (let index = 0; index < 3000; index++) {
      const value = 'v'.repeat(index === 1500 ? 200_000 : 100)
      many.push({ family: 'setting', row: { name: `name-${index}`, value } })
    }
    const fileSystem = await written(many)
    t.same(await read(fileSystem), { result: header, found: many })
    const bytes = fileSystem.files.get(path)!.bytes
    const lengths: number[] = []
    for (let at = bytes.indexOf('ISCK'); at >= 0; at = bytes.indexOf('ISCK', at + 1)) {
      lengths.push(bytes.readUInt32BE(at + 4))
    }
    t.ok(lengths.length > 5)
    t.equal(lengths.filter((length) => length > 65536).length, 1)
  }
)

t.test('an empty state is a snapshot too', async (t) => {
  t.same(await read(await written([])), { result: header, found: [] })
})

t.test(
  'no flipped bit, truncation or tail passes, and no row of a damaged file is given',
  async (t) => {
    const whole = (await written()).files.get(path)!.bytes
    const damaged: Buffer[] = [Buffer.concat([whole, Buffer.alloc(1)])]
    for (let end = 0; end < whole.length; end++) damaged.push(whole.subarray(0, end))
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      damaged.push(bytes)
    }
    for (const bytes of damaged) {
      const fileSystem = new MemoryFileSystem()
      fileSystem.files.set(path, new MemoryFile(bytes))
      const { result, found } = await read(fileSystem)
      if (!('why' in result) || found.length > 0) return t.fail(`passed: ${bytes.toString('hex')}`)
    }
  }
)

t.test('a chunk that is missing, doubled or swapped does not pass', async (t) => {
  const many = Array.from({ length: 6 }, (_, index): StoredRow => {
    return { family: 'setting', row: { name: `n${index}`, value: 'v'.repeat(40_000) } }
  })
  const whole = (await written(many)).files.get(path)!.bytes
  const starts: number[] = []
  for (let at = whole.indexOf('ISCK'); at >= 0; at = whole.indexOf('ISCK', at + 1)) starts.push(at)
  const end = whole.length - 20
  const head = whole.subarray(0, starts[0])
  const chunks = starts.map((start, index) => whole.subarray(start, starts[index + 1] ?? end))
  t.equal(chunks.length, 6)
  const [a, b, ...rest] = chunks as [Buffer, Buffer, ...Buffer[]]
  for (const arrangement of [
    [b, ...rest],
    [a, a, b, ...rest],
    [b, a, ...rest],
    [a, b]
  ]) {
    const fileSystem = new MemoryFileSystem()
    const bytes = Buffer.concat([head, ...arrangement, whole.subarray(end)])
    fileSystem.files.set(path, new MemoryFile(bytes))
    t.match(await read(fileSystem), { result: { unsupported: false }, found: { length: 0 } })
  }
})

t.test('another store and a newer version are refused and told apart', async (t) => {
  const fileSystem = await written()
  const other = await checkSnapshot(fileSystem, path, { storeId: Buffer.alloc(16) })
  t.match(other, { why: /another store/, unsupported: false })
  t.match(await checkSnapshot(fileSystem, path, { storeId }), { sequence: 42 })
  await t.rejects(checkSnapshot(fileSystem, 'data/none', {}), { code: 'ENOENT' })
})

t.test('any rows come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(storedRow, { maxLength: 20 }), async (entries) => {
      assert.deepEqual((await read(await written(entries))).found, entries)
    }),
    { numRuns: 50 }
  )
})

t.test('the newest two that can be read are kept, and what is newer than they', async (t) => {
  const fileSystem = new MemoryFileSystem()
  for (const sequence of [1, 5, 20, 100, 101]) {
    await writeSnapshot(fileSystem, 'data', { ...header, sequence }, rows)
  }
  fileSystem.files.set('data/other.txt', new MemoryFile())
  fileSystem.files.set('data/state-0000000000000102.snapshot.new', new MemoryFile())
  const newest = fileSystem.files.get(`data/${snapshotFileName(101)}`)!
  newest.bytes[90]! ^= 1
  const all = (await listSnapshots(fileSystem, 'data')).map(({ sequence }) => sequence)
  t.same(all, [101, 100, 20, 5, 1])
  const kept = await pruneSnapshots(fileSystem, 'data', { storeId })
  t.same(
    kept.map(({ sequence }) => sequence),
    [100, 20]
  )
  t.same((await fileSystem.list('data')).sort(), [
    'other.txt',
    'state-0000000000000020.snapshot',
    'state-0000000000000100.snapshot',
    'state-0000000000000101.snapshot'
  ])
  t.equal(fileSystem.calls.at(-1), 'syncFolder data')
})

t.test('what is known to be readable is not looked into again', async (t) => {
  const fileSystem = new MemoryFileSystem()
  for (const sequence of [1, 2, 3]) {
    await writeSnapshot(fileSystem, 'data', { ...header, sequence }, rows)
  }
  // Nobody who looked could read these.
  for (const sequence of [2, 3])
    fileSystem.files.get(`data/${snapshotFileName(sequence)}`)!.bytes[90]! ^= 1
  const kept = await pruneSnapshots(fileSystem, 'data', { known: [2, 3] })
  t.match(kept, [{ sequence: 3 }, { sequence: 2 }])
  t.equal(fileSystem.files.size, 2)
})

t.test('nothing is removed while fewer than two can be read', async (t) => {
  const fileSystem = new MemoryFileSystem()
  for (const sequence of [1, 2, 3]) {
    await writeSnapshot(fileSystem, 'data', { ...header, sequence }, rows)
    if (sequence > 1) fileSystem.files.get(`data/${snapshotFileName(sequence)}`)!.bytes[0]! ^= 1
  }
  t.match(await pruneSnapshots(fileSystem, 'data'), [{ sequence: 1 }])
  t.equal(fileSystem.files.size, 3)
})

t.test('snapshots are named by sequence', async (t) => {
  t.equal(parseSnapshotFileName(snapshotFileName(42)), 42)
  for (const name of ['state-42.snapshot', 'state-0000000000000042.snapshot.new', 'x']) {
    t.equal(parseSnapshotFileName(name), undefined, name)
  }
})
