// A queue whose oldest records damage has taken: its log start stays before them until they are as old as they may be,
// for a segment may come back from a backup, and a reader that is told to begin anew may leave out all the rest.
import t, { type Test } from 'tap'
import type { QueueUid } from '../../storage/contract.ts'
import { segmentFileName } from '../../storage/layout/segment.ts'
import type { Store } from '../../storage/store.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { BackupLife, makeTopic, topicId } from './backup-life.ts'
import { bytesOf, flip } from './damage.ts'
import { appendOf, batchAt } from './engine/world.ts'

t.comment(`SEED=${seedOfRun}`)

const retentionMs = 60_000

/** Records a second apart, each in a group of its own; the bytes of those at `lost` are damaged, and LevelDB is gone. */
async function damaged(
  life: BackupLife,
  count: number,
  lost: readonly number[]
): Promise<{ store: Store; queue: QueueUid }> {
  life.settings = { ...life.settings, segmentBytes: 1024 * 1024 }
  const { store } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1, topicId, { 'retention.ms': `${retentionMs}` })
  for (let i = 0; i < count; i++) {
    await store.commit({ appends: [appendOf(queue, batchAt(life.clock.now()))] })
    await life.clock.advance(1000)
  }
  await store.close()
  const path = `/data/log/${segmentFileName(1)}`
  const bytes = await bytesOf(life, path)
  const groups: number[] = []
  for (let at = bytes.indexOf('ISGR'); at >= 0; at = bytes.indexOf('ISGR', at + 1)) groups.push(at)
  // The first made the topic.
  for (const offset of lost) await flip(life, path, (groups[1 + offset] as number) + 9)
  const again = await life.open('/data')
  return { store: again.store, queue }
}

async function startOf(store: Store, queue: QueueUid): Promise<number> {
  await store.enforceRetention()
  return (await store.ends(queue)).logStartOffset
}

async function firstAt(t: Test, store: Store, queue: QueueUid, offset: number): Promise<number> {
  const queues = [{ queue, offset, maxBytes: 1 }]
  const [data] = await store.read({ queues, maxBytes: 1, isolation: 'uncommitted' })
  if (data === undefined || data instanceof Error) throw data ?? new Error('no answer')
  t.ok(data.bytes > 0)
  return data.buffers[0]?.readInt32BE(4) ?? -1
}

t.test('retention does not move a log start over records that are lost', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store, queue } = await damaged(life, 10, [0, 1])
  t.equal(store.recovery.damages.length, 1)
  t.equal(await startOf(store, queue), 0)
  t.equal(await firstAt(t, store, queue, 0), 2, 'who reads there goes on behind them')
  await life.clock.advance(retentionMs)
  t.equal(await startOf(store, queue), 10, 'they go with those that follow')
  await store.close()
})

t.test('nor over those behind the last that goes', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store, queue } = await damaged(life, 10, [3, 4])
  // The log is ten seconds long by now.
  await life.clock.advance(retentionMs - 10_000 + 2_500)
  t.equal(await startOf(store, queue), 3)
  await life.clock.advance(4_000)
  t.equal(await startOf(store, queue), 7)
  await store.close()
})
