// Stretches of a queue's index that LevelDB has lost, while all that it has is sound: the checker names their offsets.
import t, { type Test } from 'tap'
import { checkIndex } from '../../storage/check-index.ts'
import { openLevel } from '../../storage/databases.ts'
import { realFileSystem } from '../../storage/file-system.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { appendsPerLife, live, opened } from './damaged-index.ts'

const lives = 3

/** What each queue has at the end. */
const end = (lives * appendsPerLife) / 3

async function closedStore(t: Test): Promise<string> {
  const folder = `${temporaryFolder(t)}/data`
  for (let life = 0; life < lives; life++) {
    const store = await opened(folder)
    await live(t, store, life, appendsPerLife)
    await store.close()
  }
  return folder
}

interface Offsets {
  readonly first: number
  readonly last: number
}

/** Takes some of a queue's stretches away; says what offsets they had. */
async function lose(folder: string, queue: number, from: number, to?: number): Promise<Offsets> {
  const level = openLevel(`${folder}/index`)
  await level.open()
  const keys = await level.keys({ gte: Buffer.from('i'), lt: Buffer.from('j') }).all()
  const its = keys.filter((key) => key.readUInt32BE(1) === queue)
  const lost = its.slice(from, to)
  for (const key of lost) await level.del(key)
  await level.close()
  const next = to === undefined ? undefined : its[to]
  return { first: startOf(lost[0]), last: (next === undefined ? end : startOf(next)) - 1 }
}

function startOf(key: Buffer | undefined): number {
  return Number(key?.readBigInt64BE(5))
}

async function found(folder: string) {
  const { problems } = await checkIndex(realFileSystem, folder)
  return problems.map(({ topic, queue, offsets }) => ({ topic, queue, offsets }))
}

t.test('offsets that no stretch has are named', async (t) => {
  for (const [from, to] of [
    [0, 1],
    [4, 6],
    [-1, undefined],
    [0, undefined]
  ] as const) {
    const folder = await closedStore(t)
    t.same(await found(folder), [])
    const offsets = await lose(folder, 2, from, to)
    t.same(await found(folder), [{ topic: 't', queue: 1, offsets }])
    if (from === 0 && to === undefined) t.same(offsets, { first: 0, last: end - 1 })
  }
})

t.test('what is below the log start is not missing', async (t) => {
  const folder = await closedStore(t)
  const { last } = await lose(folder, 1, 0, 3)
  // Where the last life moved it.
  const first = (lives - 1) * 4
  t.ok(last >= first)
  t.same(await found(folder), [{ topic: 't', queue: 0, offsets: { first, last } }])
})

t.test('of a store that was not closed the beginning is not judged', async (t) => {
  const folder = await closedStore(t)
  const file = await realFileSystem.open(`${folder}/open`, 'create')
  await file.writev([Buffer.from('{"flushMode":"sync","bootId":""}')], 0)
  await file.close()
  await lose(folder, 2, 0, 2)
  t.same(await found(folder), [])
  const offsets = await lose(folder, 3, 1, 3)
  t.same(await found(folder), [{ topic: 't', queue: 2, offsets }])
})
