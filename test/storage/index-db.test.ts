// How much LevelDB is given at a time.
import { MemoryLevel } from 'memory-level'
import t from 'tap'
import { type Database, sameDatabase } from '../../storage/databases.ts'
import type { IndexWrite } from '../../storage/index-block.ts'
import { IndexDb, type RowWrite, viewVersion } from '../../storage/index-db.ts'

const queueCount = 3000

t.test('a checkpoint of many queues is written in many small batches, its mark last', async (t) => {
  const level = new MemoryLevel<Buffer, Buffer>({
    keyEncoding: 'buffer',
    valueEncoding: 'buffer'
  })
  const db = await IndexDb.open(sameDatabase(level as unknown as Database))
  t.teardown(() => db.close())
  let made = 0
  const madeAt: number[] = []
  const sizes: number[] = []
  level.on('write', (operations: { type: string; key: Buffer }[]) => {
    // The sum of the rows goes with each batch of them.
    sizes.push(operations.filter(({ key }) => `${key}` !== 'mrows').length)
    madeAt.push(made)
  })
  function* blocks(): Iterable<IndexWrite> {
    for (let queue = 1; queue <= queueCount; queue++) {
      made++
      yield { queue, start: 0, block: Buffer.alloc(100) }
    }
  }
  const rows = Array.from({ length: queueCount }, (_, i): RowWrite => {
    const row = { queue: i + 1, topicId: 'ab'.repeat(16), index: i, nextOffset: i, maxTimestamp: 1 }
    return { put: { family: 'queue', row } }
  })
  const mark = {
    version: viewVersion,
    storeId: '',
    applied: { segment: 1, position: 4096 },
    sequence: 1,
    appendTimeMs: 0,
    lastGroupPosition: -1
  }
  await db.checkpoint(mark, rows, { blocks: blocks(), keys: [], usage: [] })
  t.ok(Math.max(...sizes) <= 500, `${Math.max(...sizes)} writes at once`)
  t.ok((madeAt[0] ?? 0) <= 500, 'blocks are made as they are written, not all at first')
  t.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    queueCount * 2 + 1
  )
  t.equal(sizes.at(-1), 1)
  t.strictSame(await db.viewMark(), mark)
  const found: number[] = []
  await db.readRows(
    ({ family, row }) => {
      if (family === 'queue') found.push(row.queue)
    },
    () => {}
  )
  t.equal(new Set(found).size, queueCount, 'all rows come back, some at a time')
})

t.test('large blocks come fewer at a time', async (t) => {
  const level = new MemoryLevel<Buffer, Buffer>({
    keyEncoding: 'buffer',
    valueEncoding: 'buffer'
  })
  const db = await IndexDb.open(sameDatabase(level as unknown as Database))
  t.teardown(() => db.close())
  const sizes: number[] = []
  level.on('write', (operations: unknown[]) => void sizes.push(operations.length))
  await db.putBlocks(
    Array.from({ length: 100 }, (_, i) => ({
      queue: 1,
      start: i,
      block: Buffer.alloc(6000)
    }))
  )
  t.ok(Math.max(...sizes) <= 11, `${Math.max(...sizes)} blocks of 6,000 bytes at once`)
})
