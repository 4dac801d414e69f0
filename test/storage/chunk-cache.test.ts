import t from 'tap'
import { ChunkCache, chunkBytes } from '../../storage/chunk-cache.ts'
import { settled } from '../support/fake-clock.ts'

/** A file whose bytes tell where they are; reads of it are noted. */
class Source {
  readonly reads: string[] = []
  readonly fileBytes: number
  failing = false

  constructor(fileBytes = 8 * chunkBytes) {
    this.fileBytes = fileBytes
  }

  readonly read = (segment: number, position: number, target: Buffer): Promise<number> => {
    this.reads.push(`${segment}:${position / chunkBytes}`)
    if (this.failing) return Promise.reject(new Error('EIO'))
    const got = Math.max(0, Math.min(target.length, this.fileBytes - position))
    for (let i = 0; i < got; i++) target[i] = byteAt(segment, position + i)
    return Promise.resolve(got)
  }
}

function byteAt(segment: number, position: number): number {
  return (segment * 31 + position * 7 + (position >>> 12)) & 0xff
}

function expected(segment: number, position: number, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => byteAt(segment, position + i)))
}

const sealed = (): number => Number.POSITIVE_INFINITY

t.test('a chunk is read when a second queue asks for it, and once for all', async (t) => {
  const source = new Source()
  const cache = new ChunkCache(4 * chunkBytes, source.read, sealed)
  t.equal(await cache.lend(1, 5, 1000, 50), undefined, 'nobody else wants it')
  t.equal(await cache.lend(1, 5, 2000, 50), undefined, 'the same queue goes on')
  const loans = await Promise.all([2, 3, 1].map((queue) => cache.lend(queue, 5, 3000, 50)))
  for (const loan of loans) t.same(loan?.bytes, expected(5, 3000, 50))
  t.same(source.reads, ['5:0'])
})

t.test('a range across two chunks is put together', async (t) => {
  const source = new Source()
  const cache = new ChunkCache(4 * chunkBytes, source.read, sealed)
  const at = chunkBytes - 20
  for (const queue of [1, 1]) await cache.lend(queue, 0, at, 50)
  // The first chunk is wanted by two, the second by nobody yet.
  t.equal(await cache.lend(2, 0, at, 50), undefined)
  const loan = await cache.lend(1, 0, at, 50)
  t.same(loan?.bytes, expected(0, at, 50))
  t.same(source.reads, ['0:0', '0:1'])
})

t.test('memory is lent until it is given back, and used again then', async (t) => {
  const source = new Source()
  const cache = new ChunkCache(2 * chunkBytes, source.read, sealed)
  const borrow = async (chunk: number) => {
    await cache.lend(1, 0, chunk * chunkBytes, 10)
    return await cache.lend(2, 0, chunk * chunkBytes, 10)
  }
  const first = await borrow(0)
  const second = await borrow(1)
  t.equal(await borrow(2), undefined, 'all of it is lent')
  t.same(first?.bytes, expected(0, 0, 10))
  second?.release()
  const third = await borrow(3)
  t.same(third?.bytes, expected(0, 3 * chunkBytes, 10))
  t.equal(third?.bytes.buffer, second?.bytes.buffer, 'the same memory')
  t.same(first?.bytes, expected(0, 0, 10), 'what is still lent is as it was')
  first?.release()
  third?.release()
  const again = await cache.lend(7, 0, 5, 10)
  t.same(again?.bytes, expected(0, 5, 10))
  t.same(source.reads, ['0:0', '0:1', '0:3'], 'a chunk that was given back is still known')
})

t.test('what may still change is not kept', async (t) => {
  const source = new Source()
  let end = chunkBytes + 500
  const cache = new ChunkCache(4 * chunkBytes, source.read, () => end)
  for (const queue of [1, 2, 3]) t.equal(await cache.lend(queue, 0, chunkBytes, 100), undefined)
  t.same(source.reads, [])
  end = 2 * chunkBytes
  await cache.lend(1, 0, chunkBytes, 100)
  t.same((await cache.lend(2, 0, chunkBytes, 100))?.bytes, expected(0, chunkBytes, 100))
})

t.test(
  'a file that ends before the range, or a range that is too large, is not lent',
  async (t) => {
    const source = new Source(chunkBytes + 100)
    const cache = new ChunkCache(4 * chunkBytes, source.read, sealed)
    const both = async (position: number, bytes: number) => {
      await cache.lend(1, 0, position, bytes)
      return await cache.lend(2, 0, position, bytes)
    }
    t.equal(await both(chunkBytes, 101), undefined)
    t.same((await both(chunkBytes, 100))?.bytes, expected(0, chunkBytes, 100))
    t.equal(await both(0, chunkBytes + 1), undefined)
  }
)

t.test('a read that fails is told to all, and tried again by the next', async (t) => {
  const source = new Source()
  const cache = new ChunkCache(chunkBytes, source.read, sealed)
  await cache.lend(1, 0, 0, 10)
  source.failing = true
  const both = [cache.lend(2, 0, 0, 10), cache.lend(3, 0, 0, 10)]
  for (const one of both) await t.rejects(one, { message: 'EIO' })
  await settled()
  source.failing = false
  await cache.lend(1, 0, 0, 10)
  t.same((await cache.lend(2, 0, 0, 10))?.bytes, expected(0, 0, 10), 'its memory is free again')
})

t.test('without memory nothing is lent', async (t) => {
  const source = new Source()
  const cache = new ChunkCache(chunkBytes - 1, source.read, sealed)
  for (const queue of [1, 2]) t.equal(await cache.lend(queue, 0, 0, 10), undefined)
  t.same(source.reads, [])
})
