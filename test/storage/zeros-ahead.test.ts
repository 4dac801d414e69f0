// Zeros stand behind the log's end while it is written in small groups; nothing but the disk is to see them.
import t from 'tap'
import { footerMagic, segmentFooterBytes, segmentHeaderBytes } from '../../storage/layout/format.ts'
import type { Store } from '../../storage/store.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'

t.comment(`SEED=${seedOfRun}`)

const nameOf = (id: number): string => `/data/log/${`${id}`.padStart(16, '0')}.segment`
const dataEnd = (store: Store): number => segmentHeaderBytes + store.stats().flushedBytes

async function withRecords(count: number) {
  const life = new BackupLife(seedOfRun)
  const { store, index } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1)
  await append(store, queue, 0, count)
  return { life, store, index, queue }
}

t.test('a small group stands before zeros, which the next is written over', async (t) => {
  const { life, store, queue } = await withRecords(1)
  const grown = life.disk.peek(nameOf(1))
  const end = dataEnd(store)
  t.ok(grown.length > end + 4096, `${grown.length - end} bytes stand behind the end`)
  t.ok(grown.subarray(end).every((byte) => byte === 0))
  await append(store, queue, 1, 2)
  t.equal(life.disk.peek(nameOf(1)).length, grown.length, 'the file has not grown')
  t.ok(dataEnd(store) > end)
  const last = dataEnd(store)
  await store.close()
  t.ok(life.disk.peek(nameOf(1)).length <= last + 4096, 'a log that is closed has none')
  t.same(await life.problems('/data'), [])
})

t.test(
  'after a kill they are the end of the log: nothing was cut, and no epoch rises',
  async (t) => {
    const { life, store, index, queue } = await withRecords(3)
    life.disk.stop()
    await store.close().catch(() => undefined)
    life.disk = life.disk.processKill()
    t.same(await life.problems('/data'), [])
    for (const its of [index, undefined]) {
      const again = await life.open('/data', its)
      t.match(again.store.recovery, {
        cut: undefined,
        epochsRaised: undefined,
        damages: { length: 0 }
      })
      t.same(await offsetsOf(again.store, queue), upTo(3))
      await again.store.close()
    }
  }
)

t.test('a sealed segment ends with its footer', async (t) => {
  const { life, store, queue } = await withRecords(1)
  let count = 1
  while (store.stats().segments < 2) count = await append(store, queue, count, 1)
  const sealed = life.disk.peek(nameOf(1))
  t.equal(sealed.readUInt32BE(sealed.length - segmentFooterBytes), footerMagic)
  await store.close()
})

t.test('where there is room for the group and not for zeros, it is written without', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  life.disk.leaveFree(8 * 4096)
  const [queue = 0] = await makeTopic(store, 1)
  await append(store, queue, 0, 2)
  t.notMatch(store.status(), { state: 'failed' })
  t.equal(life.disk.peek(nameOf(1)).length, dataEnd(store))
  await store.close()
})
