// No snapshot can be read, and segments are gone: what state those that are left tell, and what is lost.
import t from 'tap'
import type { QueueUid } from '../../storage/contract.ts'
import { stateKeys } from '../../storage/state/rows.ts'
import type { Store } from '../../storage/store.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, offsetsOf, topicId } from './backup-life.ts'
import { bytesOf, flip, reindex } from './damage.ts'
import { closedStore, segment } from './damaged-life.ts'
import { packedRecord } from './engine/packed.ts'
import { appendOf, batchOf, committedOffset, sequencedBatch } from './engine/world.ts'

t.setTimeout(300_000)
t.comment(`SEED=${seedOfRun}`)

const fromSegments = { fromSegments: true }
/** Leader epochs that count the seconds since 2020. */
const leaptMin = 100_000_000

async function loseSnapshots(life: BackupLife): Promise<void> {
  for (const name of await life.disk.list('/data/snapshots'))
    await life.disk.unlink(`/data/snapshots/${name}`)
  await life.disk.syncFolder('/data/snapshots')
}

async function loseSegment(life: BackupLife, id: number): Promise<void> {
  await life.disk.unlink(segment(id))
  await life.disk.syncFolder('/data/log')
}

async function topic(store: Store, name: string, config: Record<string, string>) {
  const id = name.padEnd(32, '0')
  const names = { kafka: name, rocketmq: name }
  const { topics } = await store.commit({
    changes: [{ op: 'create-topic', topic: { id, names, queueCount: 1, config } }]
  })
  return { id, queue: topics[0]?.queues[0] ?? 0 }
}

async function commit(store: Store, group: string, id: string, offset: number): Promise<void> {
  const row = committedOffset(group, id, offset)
  await store.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
}

async function committed(store: Store, group: string, id: string): Promise<number | undefined> {
  return (await store.readState(stateKeys.committedOffset(group, id, 0)))?.row.offset
}

async function epochOf(store: Store, queue: QueueUid): Promise<number> {
  const [ends] = await store.endsOf([queue])
  return ends?.leaderEpoch ?? -1
}

t.test('state is what the segments tell, and what they do not is said', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store: first } = await life.open('/data')
  const old = await topic(first, 'a', { 'retention.ms': '1' })
  await commit(first, 'early', old.id, 1)
  // So many that the first segment has the topic's row, and others have its records too.
  await append(first, old.queue, 0, 30)
  await first.commit({ changes: [{ op: 'move-log-start', queue: old.queue, offset: 2 }] })
  const young = await topic(first, 'b', { 'retention.ms': '2' })
  await append(first, young.queue, 0, 1)
  await commit(first, 'late', old.id, 20)
  const twice = appendOf(young.queue, sequencedBatch(7, 0, 0))
  await first.commit({ appends: [twice] })
  await append(first, old.queue, 30, 20)
  await first.close()
  await loseSnapshots(life)
  await loseSegment(life, 1)
  await t.rejects(life.open('/data'), { code: 'unrecoverable' })
  await t.rejects(reindex(life, true), { code: 'unrecoverable' }, 'state is not given up unasked')
  const settingsOf = () => ({ config: { 'retention.ms': '-1' }, system: false })
  const { salvaged, epochsRaised } = await reindex(life, { ...fromSegments, settingsOf })
  t.match(salvaged, {
    fromSegments: true,
    isStateLost: true,
    missing: { length: 0 },
    topics: ['a']
  })
  t.match(salvaged?.gaps, [{ firstSegment: 1, lastSegment: 1, firstSequence: 1 }])
  t.equal(epochsRaised, 'state of the store is lost')

  const { store } = await life.open('/data')
  const [a, b] = [await store.findTopic({ id: old.id }), await store.findTopic({ id: young.id })]
  t.match(a, { names: { kafka: 'a' }, queues: [old.queue], config: { 'retention.ms': '-1' } })
  t.match(b, { queues: [young.queue], config: { 'retention.ms': '2' } }, 'its row is left')
  const left = await offsetsOf(store, old.queue)
  t.ok((left[0] ?? 0) > 2, `${left}`)
  t.same(
    left,
    left.map((_, i) => (left[0] ?? 0) + i)
  )
  t.equal(left.at(-1), 49)
  t.equal((await store.ends(old.queue)).logStartOffset, left[0], 'it begins where its records do')
  t.equal(await committed(store, 'early', old.id), undefined)
  t.equal(await committed(store, 'late', old.id), 20)
  const { appends } = await store.commit({ appends: [twice] })
  t.match(appends[0], { duplicate: true, baseOffset: 1 }, 'producers are known by their records')
  t.ok((await epochOf(store, old.queue)) >= leaptMin, 'epochs are above all that clients saw')
  const next = await topic(store, 'c', {})
  t.ok(next.queue > young.queue, 'queues get new uids')
  await store.close()
  t.same(await life.problems('/data'), [])
})

t.test('nobody is sent behind the end where that is lost', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store: first } = await life.open('/data')
  const { id, queue } = await topic(first, 'a', {})
  await append(first, queue, 0, 30)
  await commit(first, 'g', id, 30)
  // What moves the commit into the next segment as well.
  await append(first, (await topic(first, 'b', {})).queue, 0, 20)
  await commit(first, 'g', id, 30)
  await first.close()
  await loseSnapshots(life)
  for (const one of [1, 2, 3]) {
    const bytes = await bytesOf(life, segment(one))
    if (bytes.includes(`${queue}:29:xxx`)) await loseSegment(life, one)
  }
  const { salvaged } = await reindex(life, fromSegments)
  t.match(salvaged, { isStateLost: true })
  const { store } = await life.open('/data')
  const { highWatermark } = await store.ends(queue)
  t.ok(highWatermark > 0 && highWatermark < 30, `it ends at ${highWatermark}`)
  t.equal(await committed(store, 'g', id), highWatermark)
  await store.close()
})

t.test('a timer is settled by the copy of its record, wherever its row comes from', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store: first } = await life.open('/data')
  await append(first, (await topic(first, 'a', {})).queue, 0, 15)
  const { id, queue } = await topic(first, 'b', {})
  const timer = (offset: number) => ({
    family: 'timer' as const,
    row: {
      queue,
      offset,
      dueMs: 1,
      action: 'copy' as const,
      targetTopicId: id,
      targetQueue: 0,
      count: 0,
      detail: {}
    }
  })
  for (const offset of [0, 1])
    await first.commit({
      appends: [appendOf(queue, batchOf(['waits']))],
      changes: [{ op: 'put', row: timer(offset) }]
    })
  const waits = packedRecord('waits')
  // As if a later segment, which had the row's deletion, were gone.
  const settled = { queue, records: [waits], origin: 'rocketmq' as const }
  await first.commit({ appends: [{ ...settled, resolves: [{ queue, offset: 0 }] }] })
  await first.close()
  await loseSnapshots(life)
  await loseSegment(life, 1)
  await reindex(life, fromSegments)
  const { store } = await life.open('/data')
  const due = await store.dueTimers({ queue, throughMs: 10, countMax: 10 })
  t.same(
    due.map(({ offset }) => offset),
    [1]
  )
  await store.close()
})

t.test('the last word on a name has the newer of two topics', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store: first } = await life.open('/data')
  const names = { kafka: 'same', rocketmq: 'same' }
  const create = async (id: string) => {
    const made = { id, names, queueCount: 1 }
    const { topics } = await first.commit({ changes: [{ op: 'create-topic', topic: made }] })
    return topics[0]?.queues[0] ?? 0
  }
  const other = (await topic(first, 'e', {})).queue
  const older = await create('01'.repeat(16))
  await append(first, older, 0, 14)
  // The deletion is in a segment that will be lost, with nothing else of either.
  await append(first, other, 0, 16)
  await first.commit({ changes: [{ op: 'delete-topic', id: '01'.repeat(16) }] })
  await append(first, other, 16, 16)
  const newer = await create('02'.repeat(16))
  await append(first, newer, 0, 20)
  await first.close()
  await loseSnapshots(life)
  for (const name of await life.disk.list('/data/log')) {
    const bytes = await bytesOf(life, `/data/log/${name}`)
    const isOthers = bytes.includes(`>${other}:`) && !bytes.includes(`>${older}:`)
    if (isOthers && !bytes.includes(`>${newer}:`))
      await loseSegment(life, Number.parseInt(name, 10))
  }
  await reindex(life, fromSegments)
  const { store } = await life.open('/data')
  t.match(await store.findTopic({ kafkaName: 'same' }), { id: '02'.repeat(16), queues: [newer] })
  t.equal((await offsetsOf(store, newer)).length, 20)
  t.equal(await store.findTopic({ id: '01'.repeat(16) }), undefined)
  await store.close()
  t.same(await life.problems('/data'), [])
})

/** A store without snapshots and its first segment, of which state is being made when its process is killed. */
async function killed(at: number): Promise<{ life: BackupLife; queues: readonly QueueUid[] }> {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  await loseSnapshots(life)
  await loseSegment(life, 1)
  life.disk.stopAfter(at)
  await reindex(life, fromSegments).catch(() => undefined)
  life.disk = life.disk.processKill()
  return { life, queues }
}

async function hasSnapshot({ disk }: BackupLife): Promise<boolean> {
  return (await disk.list('/data/snapshots')).some((name) => name.endsWith('.snapshot'))
}

t.test('whatever cuts it off, epochs leap', async (t) => {
  // From when there is a snapshot on, state is no longer seen to be lost.
  let low = 1
  let high = 600
  while (low < high) {
    const middle = (low + high) >>> 1
    if (await hasSnapshot((await killed(middle)).life)) high = middle
    else low = middle + 1
  }
  let opened = 0
  for (let at = low - 10; at < low + 40; at += 2) {
    const { life, queues } = await killed(at)
    const early = await life.open('/data').catch(() => undefined)
    if (early === undefined) await reindex(life, fromSegments)
    else opened++
    const { store } = early ?? (await life.open('/data'))
    for (const queue of queues)
      if ((await epochOf(store, queue)) < leaptMin) throw new Error(`cut at ${at}, it did not`)
    await store.close()
  }
  t.ok(opened > 10, `${opened} were opened without another run`)
})

t.test('LevelDB alone knows all state, if its view is whole', async (t) => {
  const life = new BackupLife(seedOfRun)
  const index = new IndexCopies()
  const { store: first } = await life.open('/data', index)
  const { id, queue } = await topic(first, 'a', { 'retention.ms': '1' })
  await append(first, queue, 0, 40)
  await commit(first, 'g', id, 11)
  await first.close()
  for (const name of await life.disk.list('/data/snapshots'))
    await flip(life, `/data/snapshots/${name}`, 100)
  await loseSegment(life, 1)
  const report = await reindex(life, { skipDamaged: true }, index)
  t.match(report.salvaged, { missing: [1], isStateLost: false, topics: { length: 0 } })
  t.match(report.givenUp, { missing: [1], lost: [{ topic: 'a', queue: 0, firstOffset: 0 }] })
  const { store } = await life.open('/data')
  t.match(await store.findTopic({ id }), { config: { 'retention.ms': '1' } })
  t.equal(await committed(store, 'g', id), 11)
  t.equal((await offsetsOf(store, queue)).at(-1), 39)
  await store.close()
  t.same(await life.problems('/data'), [], 'damaged snapshots are gone')
})

t.test('a segment without a header and without its first group is read all the same', async (t) => {
  for (const isWhole of [true, false]) {
    const life = new BackupLife(seedOfRun)
    const queues = await closedStore(life)
    await flip(life, segment(3), 40)
    await flip(life, segment(3), 4096 + 20)
    if (!isWhole) {
      await loseSnapshots(life)
      await loseSegment(life, 1)
    }
    const report = await reindex(life, { skipDamaged: true, fromSegments: !isWhole })
    t.match(report.givenUp, { missing: { length: 0 }, segments: [3] })
    t.equal(report.givenUp?.lost.length, 1, 'its first group had a record of one queue')
    t.match(report.givenUp?.lost[0], { segment: 3 })
    const { store } = await life.open('/data')
    const left = [await offsetsOf(store, queues[0] ?? 0), await offsetsOf(store, queues[1] ?? 0)]
    t.equal(left.flat().length, isWhole ? 79 : 79 - 14, `${left}`)
    await store.close()
    t.same(await life.problems('/data'), [])
  }
})

t.test('there is nothing to be had without a segment', async (t) => {
  const life = new BackupLife(seedOfRun)
  await closedStore(life)
  await loseSnapshots(life)
  for (const name of await life.disk.list('/data/log')) await life.disk.unlink(`/data/log/${name}`)
  await t.rejects(reindex(life, fromSegments), { code: 'unrecoverable' })
  t.same(await life.disk.list('/data/log'), [], 'and no store is made')
})

t.test('a store of which all is there is only read', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  await loseSnapshots(life)
  const report = await reindex(life, fromSegments)
  t.match(report, { salvaged: undefined, damages: { length: 0 }, epochsRaised: undefined })
  const { store } = await life.open('/data')
  t.match(await store.findTopic({ id: topicId }), { queues })
  for (const queue of queues) t.equal((await offsetsOf(store, queue)).length, 40)
  await store.close()
})
