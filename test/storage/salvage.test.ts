// Segments that are not there, and stores of which segments are all that is left: what `reindex` makes of them.
import t from 'tap'
import { encodeBatch } from '../../storage/batch/encode-batch.ts'
import type { ReindexReport } from '../../storage/reindex.ts'
import type { Store } from '../../storage/store.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic } from './backup-life.ts'
import { bytesOf, flip, flipSomewhere, refuseMore, reindex } from './damage.ts'
import { closedStore, judge, segment, staysQuiet } from './damaged-life.ts'
import { appendOf, dataOf } from './engine/world.ts'
import { LivedStore, readAll, recordsInFiles } from './lived-store.ts'

t.setTimeout(300_000)
t.comment(`SEED=${seedOfRun}`)

const runs = Number(process.env.RUNS ?? 16)

async function segmentsOf(life: BackupLife): Promise<number[]> {
  const names = await life.disk.list('/data/log')
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
}

async function segmentPaths(life: BackupLife): Promise<string[]> {
  return (await segmentsOf(life)).map(segment)
}

/** As somebody's hand does it, or a disk that forgets. */
async function lose(life: BackupLife, path: string): Promise<void> {
  await life.disk.unlink(path)
  await life.disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
}

t.test('a missing segment is given up by name, and all else is there', async (t) => {
  const whole = new BackupLife(seedOfRun)
  await closedStore(whole)
  for (const id of await segmentsOf(whole)) {
    const life = new BackupLife(seedOfRun)
    const queues = await closedStore(life)
    await lose(life, segment(id))
    await t.rejects(life.open('/data'), { code: 'unrecoverable' })
    await t.rejects(reindex(life, false), { code: 'unrecoverable' })
    const report = await reindex(life, true)
    t.same(report.givenUp?.missing, [id])
    const lost = await judge(life, queues, report, 14)
    t.ok(lost > 0, `${lost} of segment ${id}`)
    await staysQuiet(t, life)
  }
})

t.test('where the end is missing the log goes on in a new segment', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  const [before = 0, last = 0] = (await segmentsOf(life)).slice(-2)
  await lose(life, segment(last))
  // Else it would seem to be the segment that the log goes on in.
  await flip(life, segment(before), (await bytesOf(life, segment(before))).lastIndexOf('ISFT') + 9)
  const report = await reindex(life, true)
  t.same(report.givenUp?.missing, [last])
  await judge(life, queues, report, 14)
  t.notOk((await segmentsOf(life)).includes(before), 'the one before is not written to')
  await staysQuiet(t, life)
})

t.test('with its view whole a store opens, and reads what is there', async (t) => {
  const life = new BackupLife(seedOfRun)
  const opened = await life.open('/data')
  const [queue = 0] = await makeTopic(opened.store, 1)
  await append(opened.store, queue, 0, 40)
  await opened.store.close()
  await lose(life, segment(2))
  const { store } = await life.open('/data', opened.index)
  const readAt = async (offset: number) => {
    const one = { queue, offset, maxBytes: 1_000_000 }
    return (
      await store.read({ queues: [one], maxBytes: one.maxBytes, isolation: 'uncommitted' })
    )[0]
  }
  const first = dataOf(await readAt(0))
  t.ok(first.nextOffset > 5 && first.nextOffset < 20, `up to ${first.nextOffset}`)
  t.match(await readAt(first.nextOffset), { code: 'io-failed' })
  t.equal(dataOf(await readAt(39)).nextOffset, 40)
  await store.close()
})

t.test('what compaction took beside a missing segment is not called lost', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  const compact = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }
  const [compacted = 0] = await makeTopic(store, 1, 'cd'.repeat(16), compact)
  const [plain = 0] = await makeTopic(store, 1)
  const keyed = async (offset: number) => {
    const record = { timestamp: 1, key: Buffer.from('k'), value: Buffer.from(`${offset}`) }
    await store.commit({ appends: [appendOf(compacted, encodeBatch([record]))] })
  }
  for (let offset = 0; offset < 10; offset++) await keyed(offset)
  await append(store, plain, 0, 28)
  await keyed(10)
  await append(store, plain, 28, 20)
  await store.enforceRetention()
  await store.close()
  await lose(life, segment(2))
  const { givenUp } = await reindex(life, true)
  t.match(givenUp, { missing: [2] })
  t.same(new Set(givenUp?.lost.map(({ topic }) => topic)), new Set(['t-abab']))
  t.same(await life.problems('/data'), [])
})

/** What is left of a store that lived is had back, and what is not is told. */
async function judgeLived(
  life: BackupLife,
  lived: LivedStore,
  left: ReadonlySet<string>,
  report?: ReindexReport
): Promise<number> {
  const { store } = await life.open('/data')
  const { readable, ends } = await readAll(store)
  let lost = 0
  for (const [key, offsets] of lived.readable) {
    const [topic, queue] = key.split(' ')
    const now = new Set(readable.get(key) ?? [])
    const named = new Set<number>()
    for (const one of report?.givenUp?.lost ?? [])
      if (one.topic === topic && `${one.queue}` === queue)
        for (let at = one.firstOffset; at <= one.lastOffset; at++) named.add(at)
    const { start, end } = ends.get(key) ?? { start: 0, end: 0 }
    for (const offset of offsets) {
      if (now.has(offset)) continue
      const place = `${key} at ${offset}`
      if (left.has(`${lived.uids.get(key)}:${offset}`))
        throw new Error(`${place} is in a file, and cannot be read: ${JSON.stringify(report)}`)
      lost++
      if (report === undefined || named.has(offset)) continue
      const isOutside = offset < start || offset >= end
      const { gaps = [], missing = [] } = report.salvaged ?? {}
      // Where a queue begins, and ends, was known to what is lost.
      const isTold = gaps.length + missing.length + report.damages.length > 0
      if (!isOutside || !isTold)
        throw new Error(`${place} is lost, and nobody says so: ${JSON.stringify(report)}`)
    }
  }
  await judgeCommits(store, lived)
  for (const topic of await store.topics())
    for (const queue of topic.queues) {
      const { highWatermark } = await store.ends(queue)
      await append(store, queue, highWatermark, 1)
    }
  await store.close()
  const problems = await life.problems('/data')
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return lost
}

/** Committed offsets are some that a group has committed, or were moved back to the end. */
async function judgeCommits(store: Store, lived: LivedStore): Promise<void> {
  for (const { topicId, queue, offset } of await store.scanState('committed-offset')) {
    const topic = await store.findTopic({ id: topicId })
    const uid = topic?.queues[queue]
    if (topic === undefined || uid === undefined)
      throw new Error(`an offset of no queue: ${topicId}`)
    const { highWatermark } = await store.ends(uid)
    const known = lived.committed.get(`${topic.names.kafka} ${queue}`)
    if (offset > highWatermark) throw new Error(`${offset} is committed, beyond ${highWatermark}`)
    if (offset !== highWatermark && known !== undefined && !known.has(offset))
      throw new Error(`${offset} is committed, and nobody did`)
  }
}

async function loseSome(life: BackupLife): Promise<string[]> {
  const { random } = life
  const gone: string[] = []
  for (let count = random.integer(4); count > 0; count--) {
    const path = segment(random.pick(await segmentsOf(life)))
    if ((await segmentsOf(life)).length === 1) break
    await lose(life, path)
    gone.push(path)
  }
  return gone
}

/** Flips bits in a segment's header, and maybe in its first group's. */
async function beheadOne(life: BackupLife): Promise<string> {
  const path = life.random.pick(await segmentPaths(life))
  await flip(life, path, 40)
  if (life.random.chance(0.5)) await flip(life, path, 4096 + 20)
  return `${path} at its beginning`
}

async function loseSnapshots(life: BackupLife): Promise<void> {
  for (const name of await life.disk.list('/data/snapshots')) {
    const path = `/data/snapshots/${name}`
    const bytes = await bytesOf(life, path)
    if (life.random.chance(0.5)) await lose(life, path)
    else await flip(life, path, life.random.integer(bytes.length))
  }
}

t.test('whatever segments are missing, what is left is had back, and the rest told', async () => {
  let lost = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const lived = new LivedStore(life)
    await lived.live(150)
    const gone = await loseSome(life)
    const fromSegments = life.random.chance(0.5)
    if (fromSegments) await loseSnapshots(life)
    const left = await recordsInFiles(life)
    try {
      const report = await reindex(life, { skipDamaged: true, fromSegments })
      lost += await judgeLived(life, lived, left, report)
      refuseMore(await reindex(life, { skipDamaged: true, fromSegments }))
    } catch (error) {
      throw new Error(`SEED=${seed}: without ${gone.join(', ')}: ${(error as Error).stack}`)
    }
  }
  t.ok(lost > runs / 2, `${lost} records were lost`)
})

t.test('... also where what is left is damaged', async (t) => {
  let lost = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const lived = new LivedStore(life)
    await lived.live(100)
    const harm = [...(await loseSome(life)), await flipSomewhere(life, await segmentPaths(life))]
    if (life.random.chance(0.3)) harm.push(await beheadOne(life))
    const fromSegments = life.random.chance(0.5)
    if (fromSegments) await loseSnapshots(life)
    try {
      const report = await reindex(life, { skipDamaged: true, fromSegments })
      // Which records a flipped bit leads to is not known without the store.
      lost += await judgeLived(life, lived, new Set(), report)
      refuseMore(await reindex(life, { skipDamaged: true, fromSegments }))
    } catch (error) {
      throw new Error(`SEED=${seed}: ${harm.join(', ')}: ${(error as Error).stack}`)
    }
  }
  t.ok(lost > runs / 2, `${lost} records were lost`)
})

t.test('cut off at any call, it can be done again', async (t) => {
  let cut = 0
  let opened = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const lived = new LivedStore(life)
    await lived.live(100)
    const gone = await loseSome(life)
    const fromSegments = life.random.chance(0.5)
    if (fromSegments) await loseSnapshots(life)
    const left = await recordsInFiles(life)
    try {
      for (let kills = 1 + life.random.integer(2); kills > 0; kills--) {
        life.disk.stopAfter(life.random.integer(400))
        await reindex(life, { skipDamaged: true, fromSegments }).catch(() => undefined)
        if (life.disk.stopped) cut++
        life.disk = life.random.chance(0.5) ? life.disk.powerCut() : life.disk.processKill()
      }
      // Somebody may start the server first.
      const early = await life.open('/data').catch((error: Error) => error.message)
      if (typeof early !== 'string') {
        opened++
        await early.store.close()
      }
      await reindex(life, { skipDamaged: true, fromSegments })
      await judgeLived(life, lived, left)
    } catch (error) {
      throw new Error(`SEED=${seed}: without ${gone.join(', ')}: ${(error as Error).stack}`)
    }
  }
  t.ok(cut > runs / 3, `${cut} were cut off`)
  t.ok(opened > 0, `${opened} were opened before`)
})
