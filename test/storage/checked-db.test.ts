import { join } from 'node:path'
import type { MemoryLevel } from 'memory-level'
import t from 'tap'
import { CheckedDb } from '../../storage/checked-db.ts'
import { type Database, levelAt, sameDatabase } from '../../storage/databases.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { memoryIndex } from '../support/memory-index.ts'

const markKey = Buffer.from('mark')
const rows = { gte: Buffer.from('s'), lt: Buffer.from('t') }

/** A database whose bytes a test may change behind our back. */
async function opened() {
  const raw = memoryIndex()
  const reopen = async () => {
    const sums = {
      isRow: (key: Buffer) => key[0] === 0x73,
      partOf: (key: Buffer) => (key[0] === 0x70 ? Buffer.from(`s:${`${key}`[1]}`) : undefined)
    }
    const databases = sameDatabase(raw as unknown as Database)
    return (await CheckedDb.open(databases, sums, markKey)).db
  }
  return { raw, db: await reopen(), reopen }
}

function put(key: string, value: string) {
  return { type: 'put', key: Buffer.from(key), value: Buffer.from(value) } as const
}

async function readRows(db: CheckedDb): Promise<string[]> {
  const found: string[] = []
  for await (const some of db.summed(rows))
    for (const [key, value] of some) found.push(`${key}=${value}`)
  return found
}

t.test('no flipped bit of a value or of its checksum passes', async (t) => {
  const { raw, db } = await opened()
  await db.batch([put('k', 'value')])
  const key = Buffer.from('k')
  const stored = await raw.get(key)
  for (let bit = 0; bit < stored!.length * 8; bit++) {
    const flipped = Buffer.from(stored!)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    await raw.put(key, flipped)
    await t.rejects(db.get(key), { name: 'IndexDamagedError' })
    await t.rejects(db.getMany([key]), { name: 'IndexDamagedError' })
  }
  await raw.put(Buffer.from('j'), stored!)
  await t.rejects(db.get(Buffer.from('j')), { code: 'io-failed' }, 'nor does another key of it')
  await raw.put(key, Buffer.of(1, 2))
  await t.rejects(db.get(key), { name: 'IndexDamagedError' }, 'nor what is too short')
})

t.test('LevelDB gives what there is, however much that is in bytes', async (t) => {
  const databases = levelAt(join(temporaryFolder(t), 'index'))
  const isRow = (key: Buffer) => key[0] === 0x73
  const partOf = (key: Buffer) => (key[0] === 0x70 ? Buffer.from('s:') : undefined)
  const open = async () => (await CheckedDb.open(databases, { isRow, partOf }, markKey)).db
  const db = await open()
  const count = 3000
  for (const kind of ['s', 'p'])
    await db.batch(Array.from({ length: count }, (_, i) => put(`${kind}${i}`, 'x'.repeat(700))))
  await db.close()
  const again = await open()
  t.equal((await readRows(again)).length, count + 1)
  const part = { gte: Buffer.from('p'), lt: Buffer.from('q') }
  let found = 0
  for await (const _ of again.part(part, Buffer.from('s:'))) found++
  t.equal(found, count)
  found = 0
  for await (const _ of again.entries({ ...part, limit: 1500 })) found++
  t.equal(found, 1500)
  await again.close()
})

t.test('a row that is missing, too many or old is noticed', async (t) => {
  const damages: Record<string, (raw: MemoryLevel<Buffer, Buffer>, old: Buffer) => Promise<void>> =
    {
      missing: (raw) => raw.del(Buffer.from('s1')),
      doubled: async (raw) => {
        const other = await opened()
        await other.db.batch([put('s9', 'x')])
        await raw.put(Buffer.from('s9'), (await other.raw.get(Buffer.from('s9')))!)
      },
      old: (raw, old) => raw.put(Buffer.from('s1'), old)
    }
  for (const [name, damage] of Object.entries(damages)) {
    const { raw, db, reopen } = await opened()
    await db.batch([put('s1', 'a'), put('s2', 'b'), put('x', 'no row'), put('s3', 'c')])
    const old = (await raw.get(Buffer.from('s1')))!
    await db.batch([put('s1', 'a2'), { type: 'del', key: Buffer.from('s3') }])
    await db.batch([put('s4', 'first'), put('s4', 'last')])
    await db.batch([{ type: 'del', key: Buffer.from('s none') }])
    await db.close()
    const again = await reopen()
    t.same(await readRows(again), ['s1=a2', 's2=b', 's4=last'])
    await again.batch([put('s2', 'b2')])
    await again.close()
    await raw.open()
    await damage(raw, old)
    const third = await reopen()
    await t.rejects(readRows(third), { name: 'IndexDamagedError' }, name)
  }
})

t.test('what failed a write is written no more', async (t) => {
  const { raw, db } = await opened()
  const failures: Error[] = []
  db.onFailed = (error) => failures.push(error)
  await db.batch([put('a', '1')])
  const { batch } = raw
  raw.batch = (() => Promise.reject(new Error('no space'))) as never
  await t.rejects(db.batch([put('b', '2')]), /no space/)
  raw.batch = batch
  await t.rejects(db.batch([put('c', '3')]), /no space/)
  await t.rejects(db.clear({ gte: Buffer.from('a'), lt: Buffer.from('b') }), /no space/)
  t.equal(failures.length, 1)
  t.equal(`${await db.get(Buffer.from('a'))}`, '1', 'it is still read')
  await db.remake()
  t.equal(await db.get(Buffer.from('a')), undefined)
  await db.batch([put('b', '2')])
})

t.test('damage that is found takes the mark away', async (t) => {
  const { raw, db } = await opened()
  await db.batch([put('mark', 'm'), put('a', '1')])
  await raw.put(Buffer.from('a'), Buffer.from('nonsense'))
  await t.rejects(db.get(Buffer.from('a')), { name: 'IndexDamagedError' })
  await t.rejects(db.batch([put('b', '2')]), { name: 'IndexDamagedError' }, 'no more writes')
  t.equal(await raw.get(markKey), undefined)
})

type Raw = MemoryLevel<Buffer, Buffer>
/** Values as they were once, checksums and all. */
type Raws = Readonly<Record<'pa1' | 'pa2', Buffer>>

async function readPart(db: CheckedDb, name: string): Promise<string[]> {
  const range = { gte: Buffer.from(`p${name}`), lt: Buffer.from(`p${name}~`), reverse: true }
  const found: string[] = []
  for await (const [key, value] of db.part(range, Buffer.from(`s:${name}`)))
    found.push(`${key}=${value}`)
  return found
}

t.test('an entry of a part that is missing, too many or old is noticed at its end', async (t) => {
  const damages: Record<string, (raw: Raw, before: Raws) => Promise<void>> = {
    missing: (raw) => raw.del(Buffer.from('pa1')),
    'the newest missing': (raw) => raw.del(Buffer.from('pa4')),
    old: (raw, { pa1 }) => raw.put(Buffer.from('pa1'), pa1),
    'too many': (raw, { pa2 }) => raw.put(Buffer.from('pa2'), pa2),
    'all missing': (raw) => raw.clear({ gte: Buffer.from('pa'), lt: Buffer.from('pb') })
  }
  for (const [name, damage] of Object.entries(damages)) {
    const { raw, db, reopen } = await opened()
    await db.batch([put('pa1', 'a'), put('pb1', 'other'), put('pa2', 'b'), put('s1', 'row')])
    const [pa1, pa2] = await raw.getMany([Buffer.from('pa1'), Buffer.from('pa2')])
    await db.batch([put('pa1', 'a2'), { type: 'del', key: Buffer.from('pa2') }, put('pa4', 'd')])
    await db.batch([{ type: 'del', key: Buffer.from('pa none') }, put('pa4', 'd2')])
    const whole = ['pa4=d2', 'pa1=a2']
    t.same(await readPart(db, 'a'), whole)
    await damage(raw, { pa1: pa1!, pa2: pa2! })
    const failures: Error[] = []
    db.onFailed = (error) => failures.push(error)
    for await (const _ of db.part({ gte: Buffer.from('pb') }, Buffer.from('s:b'))) break
    t.same(await readPart(db, 'b'), ['pb1=other'], 'others are whole')
    await t.rejects(readPart(db, 'a'), { name: 'IndexDamagedError' }, name)
    t.equal(failures.length, 1)
    t.same(await readRows(await reopen()), await readRows(db), 'sums are rows')
  }
})

t.test('a part of which all is deleted has no sum', async (t) => {
  const { db } = await opened()
  await db.batch([put('pa1', 'a'), put('pa2', 'b')])
  await db.batch([1, 2].map((i) => ({ type: 'del', key: Buffer.from(`pa${i}`) })))
  t.same(await readRows(db), [])
  t.same(await readPart(db, 'a'), [])
})
