// The topic service on the real store: what it relies on in the engine contract, in both flush modes.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { topicNamesFromKafka } from '../../../gateway/broker/names.ts'
import { TopicService } from '../../../gateway/broker/topics.ts'
import { type FlushMode, openStore, realFileSystem, systemClock } from '../../../storage/index.ts'
import { seededRandom } from '../../support/seeded-random.ts'

for (const flushMode of ['sync', 'async'] as const satisfies readonly FlushMode[]) {
  t.test(`${flushMode}: topics are made, changed and deleted, and outlive a restart`, (t) =>
    topicsOutliveRestarts(t, flushMode)
  )
  t.test(`${flushMode}: all who ask for a name at the same time get one topic`, (t) =>
    oneTopicForAll(t, flushMode)
  )
}

async function topicsOutliveRestarts(t: Test, flushMode: FlushMode) {
  const world = await openWorld(t, flushMode)
  const { topics } = world
  const create = (name: string, rest = {}) =>
    topics.create({ names: topicNamesFromKafka(name), ...rest })
  const kept = await create('kept.one', { queueCount: 2, config: { 'retention.ms': '5' } })
  t.match(kept, { readQueues: 2, writeQueues: 2, system: false, perm: 6 })
  t.same(await topics.findByName('kept.one'), kept, 'seen as soon as it is made')
  await t.rejects(create('kept.one'), { code: 'topic-exists' })
  await t.rejects(create('kept_one'), { code: 'name-collides' })
  const grown = await topics.setQueueCount(kept.id, 5)
  t.same(await topics.findByName('kept.one'), grown, 'seen as soon as it has more queues')
  t.same(grown.queues.slice(0, 2), kept.queues)
  t.match(grown, { readQueues: 5, writeQueues: 5 })
  const edited = await topics.editConfig(kept.id, (config) => ({ ...config, 'flush.ms': '7' }))
  t.same(edited.config, { 'retention.ms': '5', 'flush.ms': '7' })
  const first = await create('again')
  await topics.delete(first.id)
  t.equal(await topics.findById(first.id), undefined, 'gone when it is deleted')
  await t.rejects(topics.delete(first.id), { code: 'topic-unknown' })
  const second = await create('again')
  t.not(second.id, first.id)
  t.notOk(
    second.queues.some((queue) => first.queues.includes(queue)),
    'uids are never used twice'
  )

  const after = await world.reopen()
  t.same(
    (await after.list()).map((topic) => topic.names.kafka),
    ['again', 'kept.one']
  )
  t.same(await after.findVisible({ id: kept.id }), edited)
  t.same(await after.findVisible({ rocketmqName: 'kept|2Eone' }), edited)
}

async function oneTopicForAll(t: Test, flushMode: FlushMode) {
  const { topics, others } = await openWorld(t, flushMode)
  // Two services on one store: here only the store can tell that the name is taken.
  const asked = Array.from({ length: 40 }, (_, index) =>
    (index % 2 === 0 ? topics : others).findOrCreate('same', true)
  )
  const ids = new Set((await Promise.all(asked)).map((topic) => topic?.id))
  t.equal(ids.size, 1)
  t.notOk(ids.has(undefined))
  t.equal((await topics.list()).length, 1)
}

async function openWorld(t: Test, flushMode: FlushMode) {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-topics-'))
  const random = seededRandom(t)
  const open = () =>
    openStore({
      folder: `${folder}/store`,
      fileSystem: realFileSystem,
      clock: systemClock,
      random,
      log: () => {},
      flushMode
    })
  let store = await open()
  t.teardown(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })
  return {
    topics: new TopicService(store, random),
    others: new TopicService(store, random),
    async reopen() {
      await store.close()
      store = await open()
      return new TopicService(store, random)
    }
  }
}
