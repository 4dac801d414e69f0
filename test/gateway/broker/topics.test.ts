import t, { type Test } from 'tap'
import { topicNamesFromKafka } from '../../../gateway/broker/names.ts'
import type { TopicErrorCode } from '../../../gateway/broker/topic-errors.ts'
import { TopicService } from '../../../gateway/broker/topics.ts'
import { StoreError } from '../../../storage/errors.ts'
import { MemoryTopics } from '../../support/memory-topics.ts'
import { seededRandom } from '../../support/seeded-random.ts'

function start(t: Test, policy = {}) {
  const store = new MemoryTopics()
  const topics = new TopicService(store.engine, seededRandom(t), policy)
  const create = (name: string, rest = {}) =>
    topics.create({ names: topicNamesFromKafka(name), ...rest })
  const addSystem = () =>
    store.add({
      id: 'f'.repeat(32),
      names: topicNamesFromKafka('rmq.sys'),
      queueCount: 1,
      system: true
    })
  return { store, topics, create, addSystem }
}

async function refused(t: Test, done: Promise<unknown>, code: TopicErrorCode, text = /./) {
  await t.rejects(done, { name: 'TopicError', code, message: text })
}

t.test('a topic is made as its creator wishes, or as the policy has it', async (t) => {
  const { topics, create, store } = start(t, { defaultQueueCount: 3 })
  const plain = await create('plain')
  t.equal(plain.queues.length, 3)
  t.match(plain.id, /^[0-9a-f]{32}$/)
  const special = await create('spe.cial', {
    queueCount: 2,
    config: { 'retention.ms': ' 5 ', 'message.format.version': '2.8' }
  })
  t.equal(special.queues.length, 2)
  t.same(special.config, { 'retention.ms': '5' })
  t.same(special.names, { kafka: 'spe.cial', rocketmq: 'spe|2Ecial' })
  t.same(await topics.findByName('spe.cial'), special)
  t.same(await topics.findById(special.id), special)
  const checked = await topics.create(
    { names: topicNamesFromKafka('only-checked') },
    { checkOnly: true }
  )
  t.equal(checked.queues.length, 3)
  t.equal(await topics.findByName('only-checked'), undefined)
  t.equal(store.commits.length, 2)
})

t.test("no topic's id begins with a dash as Kafka's tools show it", async (t) => {
  const { create } = start(t)
  for (let i = 0; i < 500; i++) {
    const { id } = await create(`topic-${i}`)
    const shown = Buffer.from(id, 'hex').toString('base64url')
    if (shown.startsWith('-')) t.fail(shown)
  }
  t.pass('none did')
})

t.test('what cannot be made is refused with the reason', async (t) => {
  const { topics, create } = start(t, { queuesPerTopicMax: 8, topicsMax: 2 })
  await create('a.b')
  await refused(t, create('a.b'), 'topic-exists')
  await refused(t, create('a_b'), 'name-collides', /a\.b/)
  await refused(t, create('c', { queueCount: 0 }), 'queue-count-invalid')
  await refused(t, create('c', { queueCount: 1.5 }), 'queue-count-invalid')
  await refused(t, create('c', { queueCount: 9 }), 'too-many-queues', /9.*8/)
  await refused(t, create('c', { config: { 'no.such': '1' } }), 'config-invalid', /no\.such/)
  await refused(
    t,
    topics.create({ names: topicNamesFromKafka('a_b') }, { checkOnly: true }),
    'name-collides'
  )
  await create('c')
  await refused(t, create('d'), 'too-many-topics', /2/)
})

t.test('asking for a topic makes it, where that is allowed', async (t) => {
  const { topics, store, addSystem } = start(t)
  t.equal(await topics.findOrCreate('new', false), undefined)
  const made = await topics.findOrCreate('new', true)
  t.equal(made?.queues.length, 4)
  t.same(await topics.findOrCreate('new', true), made)
  t.same(await topics.findOrCreate('new', false), made)
  await refused(t, topics.findOrCreate('a b', true), 'name-invalid')
  await refused(t, topics.findOrCreate('rmq.new', true), 'name-invalid', /rmq\./)
  await refused(t, topics.findOrCreate('..', true), 'name-invalid')
  t.equal(await topics.findOrCreate('a b', false), undefined)
  addSystem()
  t.equal(await topics.findOrCreate('rmq.sys', true), undefined, 'system topics are not there')
  const off = new TopicService(store.engine, seededRandom(t), { autoCreate: false })
  t.equal(await off.findOrCreate('other', true), undefined, 'the policy forbids it')
})

t.test('all who ask for one name at the same time get one topic', async (t) => {
  const { topics, store } = start(t)
  const open = store.hold()
  const asked = Array.from({ length: 20 }, () => topics.findOrCreate('same', true))
  open()
  const ids = (await Promise.all(asked)).map((topic) => topic?.id)
  t.equal(new Set(ids).size, 1)
  t.not(ids[0], undefined)
  t.equal(store.commits.length, 1)
})

t.test('of two names that look alike and are made at the same time, one is', async (t) => {
  const { create, store } = start(t)
  const open = store.hold()
  const made = Promise.allSettled([create('x.y'), create('x_y')])
  open()
  const [first, second] = await made
  t.equal(first?.status, 'fulfilled')
  t.match(second, { status: 'rejected', reason: { code: 'name-collides' } })
})

t.test(
  'a name that another maker was faster with is answered with the topic that is',
  async (t) => {
    const { topics, store } = start(t)
    const open = store.hold()
    const asked = topics.findOrCreate('race', true)
    const other = store.add({
      id: 'a'.repeat(32),
      names: topicNamesFromKafka('race'),
      queueCount: 1
    })
    open()
    t.equal((await asked)?.id, other.id)
  }
)

t.test('a topic gets more queues, never fewer', async (t) => {
  const { topics, create, store, addSystem } = start(t, { queuesPerTopicMax: 10 })
  const { id, queues } = await create('grow', { queueCount: 2 })
  const grown = await topics.setQueueCount(id, 5)
  t.same(grown.queues.slice(0, 2), queues, 'the old ones stay what they are')
  t.equal(grown.queues.length, 5)
  t.equal(grown.writeQueues, 5)
  t.equal(grown.readQueues, 5)
  await refused(t, topics.setQueueCount(id, 5), 'queue-count-not-higher')
  await refused(t, topics.setQueueCount(id, 4), 'queue-count-not-higher')
  await refused(t, topics.setQueueCount(id, -1), 'queue-count-not-higher')
  await refused(t, topics.setQueueCount(id, 11), 'too-many-queues')
  await refused(t, topics.setQueueCount('0'.repeat(32), 3), 'topic-unknown')
  await refused(t, topics.setQueueCount(addSystem().id, 3), 'topic-unknown')
  await topics.setQueueCount(id, 6, { checkOnly: true })
  t.equal((await topics.findById(id))?.queues.length, 5)

  await store.commit({ changes: [{ op: 'update-topic', id, update: { writeQueues: 1 } }] })
  const narrowed = await topics.setQueueCount(id, 7)
  t.equal(narrowed.writeQueues, 1, 'whoever narrowed it did so on purpose')
  t.equal(narrowed.readQueues, 7)

  const open = store.hold()
  const both = Promise.allSettled([topics.setQueueCount(id, 8), topics.setQueueCount(id, 8)])
  open()
  t.match(await both, [{ status: 'fulfilled' }, { status: 'rejected' }])
})

t.test('changes of settings follow one another, and none is lost', async (t) => {
  const { topics, create, store, addSystem } = start(t)
  const { id } = await create('set', { config: { 'retention.ms': '1' } })
  const open = store.hold()
  const edits = ['flush.ms', 'segment.ms', 'retention.bytes'].map((name) =>
    topics.editConfig(id, (config) => ({ ...config, [name]: '7' }))
  )
  open()
  await Promise.all(edits)
  t.same((await topics.findById(id))?.config, {
    'retention.ms': '1',
    'flush.ms': '7',
    'segment.ms': '7',
    'retention.bytes': '7'
  })
  await refused(
    t,
    topics.editConfig(id, () => ({ 'flush.ms': 'x' })),
    'config-invalid'
  )
  await topics.editConfig(id, () => ({}), { checkOnly: true })
  t.equal(Object.keys((await topics.findById(id))?.config ?? {}).length, 4)
  await refused(
    t,
    topics.editConfig(addSystem().id, () => ({})),
    'topic-unknown'
  )
  await t.rejects(
    topics.editConfig(id, () => {
      throw new Error('mine')
    }),
    { message: 'mine' }
  )
  await topics.editConfig(id, () => ({}))
  t.same((await topics.findById(id))?.config, {}, 'a failed one does not stop the next')
})

t.test('a deleted topic is gone, and a new one of its name is another', async (t) => {
  const { topics, create, addSystem } = start(t)
  const first = await create('again')
  await topics.delete(first.id)
  t.equal(await topics.findVisible({ kafkaName: 'again' }), undefined)
  await refused(t, topics.delete(first.id), 'topic-unknown')
  const second = await create('again')
  t.not(second.id, first.id)
  const system = addSystem()
  await refused(t, topics.delete(system.id), 'topic-unknown')
  t.equal(await topics.findVisible({ id: system.id }), undefined)
  t.same(
    (await topics.list()).map((topic) => topic.names.kafka),
    ['again']
  )
})

t.test("the store's refusals keep their reason", async (t) => {
  const { topics, create, store } = start(t)
  store.failures.push(new StoreError('limit-reached', 'no uids left'))
  await refused(t, create('a'), 'store-full', /no uids/)
  store.failures.push(new StoreError('topic-exists', 'taken'))
  await refused(t, create('a'), 'topic-exists')
  store.failures.push(new StoreError('disk-full', 'no space'))
  await t.rejects(create('a'), { name: 'StoreError', code: 'disk-full' })
  const { id } = await create('a')
  store.failures.push(new StoreError('topic-gone', 'gone'))
  await refused(t, topics.delete(id), 'topic-unknown')
})
