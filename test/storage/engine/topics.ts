import type { Test } from 'tap'
import type { TopicLookup } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { stateKeys } from '../../../storage/state/rows.ts'
import {
  appendOf,
  batchOf,
  committedOffset,
  contractTest,
  type OpenEngine,
  refusal
} from './world.ts'

export function topicTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'a topic is made as asked and found by all its names', async (t, world) => {
    const wanted = {
      id: '0123456789abcdef0123456789abcdef',
      names: { kafka: 'a.b', rocketmq: 'a|2Eb' },
      queueCount: 3,
      config: { 'retention.ms': '1000' },
      perm: 4,
      messageType: 'FIFO',
      system: true
    } as const
    const { topics } = await world.commit({ changes: [{ op: 'create-topic', topic: wanted }] })
    const { queueCount: _, ...same } = wanted
    t.match(topics[0], { ...same, readQueues: 3, writeQueues: 3, createdMs: world.clock.now() })
    const queues = topics[0]!.queues
    t.equal(new Set(queues).size, 3)
    t.ok(queues.every((queue) => queue >= 1 && queue < 2 ** 24))
    const lookups: TopicLookup[] = [
      { kafkaName: 'a.b' },
      { rocketmqName: 'a|2Eb' },
      { id: wanted.id },
      { queue: queues[2]! }
    ]
    for (let round = 0; round < 3; round++) {
      for (const lookup of lookups) t.same(await world.engine.findTopic(lookup), topics[0])
      for (const lookup of [
        { kafkaName: 'a|2Eb' },
        { rocketmqName: 'a.b' },
        { id: '00' },
        { queue: 0 }
      ])
        t.equal(await world.engine.findTopic(lookup), undefined)
      t.same(await world.engine.topics(), topics)
      if (round === 0) await world.under.reopen()
      else await world.under.crash()
    }
  })

  contractTest(t, open, 'a topic may be made narrower than its queues', async (t, world) => {
    const topic = {
      id: '0123456789abcdef0123456789abcdef',
      names: { kafka: 'narrow', rocketmq: 'narrow' },
      queueCount: 3
    }
    const make = (narrow: { readQueues?: number; writeQueues?: number }) =>
      world.commit({ changes: [{ op: 'create-topic', topic: { ...topic, ...narrow } }] })
    t.equal((await refusal(make({ readQueues: 4 }))).code, 'condition-failed')
    t.equal((await refusal(make({ writeQueues: 4 }))).code, 'condition-failed')
    const { topics } = await make({ readQueues: 0, writeQueues: 2 })
    t.match(topics, [{ readQueues: 0, writeQueues: 2 }])
    t.equal(topics[0]?.queues.length, 3)
    await world.under.crash()
    t.same(await world.engine.findTopic({ kafkaName: 'narrow' }), topics[0])
  })

  contractTest(t, open, 'what is not said of a topic has its default', async (t, world) => {
    t.match(await world.topic('plain', 2), {
      config: {},
      perm: 6,
      messageType: 'NORMAL',
      system: false,
      readQueues: 2,
      writeQueues: 2
    })
  })

  contractTest(
    t,
    open,
    'each of both names is taken once, and the refusal says which',
    async (t, world) => {
      await world.commit({
        changes: [
          {
            op: 'create-topic',
            topic: world.newTopic('', 1, { names: { kafka: 'k', rocketmq: 'r' } })
          }
        ]
      })
      const tries = [
        [{ kafka: 'k', rocketmq: 'other' }, 'k'],
        [{ kafka: 'other', rocketmq: 'r' }, 'r']
      ] as const
      for (const [names, name] of tries) {
        const topic = world.newTopic('', 1, { names })
        const error = await refusal(
          world.engine.commit({ changes: [{ op: 'create-topic', topic }] })
        )
        t.match(error, { code: 'topic-exists', detail: { name } })
      }
      // The two kinds of name do not exclude each other.
      const crossed = world.newTopic('', 1, { names: { kafka: 'r', rocketmq: 'k' } })
      await world.commit({ changes: [{ op: 'create-topic', topic: crossed }] })
      t.equal((await world.engine.topics()).length, 2)
    }
  )

  contractTest(
    t,
    open,
    'of many that make the same topic at once exactly one does',
    async (t, world) => {
      const tries = Array.from({ length: 20 }, () => {
        const topic = world.newTopic('same')
        return world.engine.commit({ changes: [{ op: 'create-topic', topic }] }).then(
          () => 'made',
          (error) => (error instanceof StoreError ? error.code : error)
        )
      })
      const outcomes = await Promise.all(tries)
      t.equal(outcomes.filter((one) => one === 'made').length, 1)
      t.equal(outcomes.filter((one) => one === 'topic-exists').length, 19)
      t.equal((await world.engine.topics({ settled: true })).length, 1)
    }
  )

  contractTest(
    t,
    open,
    'several topics of one commit are made together or not at all',
    async (t, world) => {
      const [a, b] = [world.newTopic('a', 2), world.newTopic('b', 3)]
      const made = await world.commit({
        changes: [
          { op: 'create-topic', topic: a },
          { op: 'create-topic', topic: b }
        ]
      })
      t.same(
        made.topics.map(({ names }) => names.kafka),
        ['a', 'b']
      )
      t.equal(new Set(made.topics.flatMap(({ queues }) => queues)).size, 5)
      for (const second of [
        world.newTopic('b'),
        world.newTopic('c', 1, { names: { kafka: 'd', rocketmq: 'c' } })
      ]) {
        const changes = [world.newTopic('c'), second].map(
          (topic) => ({ op: 'create-topic', topic }) as const
        )
        t.equal((await refusal(world.engine.commit({ changes }))).code, 'topic-exists')
      }
      t.equal((await world.engine.topics({ settled: true })).length, 2)
    }
  )

  contractTest(
    t,
    open,
    'an update changes what it names; config is replaced whole',
    async (t, world) => {
      const topic = world.newTopic('t', 2, { config: { a: '1', b: '2' }, messageType: 'DELAY' })
      const made = (await world.commit({ changes: [{ op: 'create-topic', topic }] })).topics[0]!
      const update = { config: { b: '3' }, perm: 2, readQueues: 1 } as const
      const { topics } = await world.commit({
        changes: [{ op: 'update-topic', id: made.id, update }]
      })
      const wanted = { ...made, config: { b: '3' }, perm: 2, readQueues: 1 }
      t.strictSame({ ...topics[0] }, wanted)
      t.same(made.config, { a: '1', b: '2' }, 'the old object is as it was')
      await world.under.crash()
      t.same(await world.engine.findTopic({ kafkaName: 't' }), wanted)
    }
  )

  contractTest(t, open, 'a topic grows by new queues, and never shrinks', async (t, world) => {
    const topic = await world.topic('t', 2)
    const other = await world.topic('u', 1)
    await world.append(topic.queues[1]!, batchOf(['kept']))
    const grow = { op: 'update-topic', id: topic.id, update: { queueCount: 4 } } as const
    const grown = (await world.commit({ changes: [grow] })).topics[0]!
    t.same(grown.queues.slice(0, 2), topic.queues)
    t.equal(new Set([...grown.queues, ...other.queues]).size, 5)
    t.equal(await world.append(grown.queues[3]!, batchOf(['new'])), 0)
    t.same(await world.valuesOf(grown.queues[1]!), ['kept'])
    const shrink = { ...grow, update: { queueCount: 3 } }
    await t.rejects(world.engine.commit({ changes: [shrink] }))
    t.equal((await world.engine.findTopic({ id: topic.id }))?.queues.length, 4)
    await world.under.reopen()
    t.same(await world.engine.findTopic({ queue: grown.queues[3]! }), grown)
  })

  contractTest(t, open, 'what has no topic is said to', async (t, world) => {
    const id = 'e'.repeat(32)
    for (const change of [
      { op: 'update-topic', id, update: { perm: 4 } },
      { op: 'delete-topic', id }
    ] as const) {
      t.equal((await refusal(world.engine.commit({ changes: [change] }))).code, 'topic-gone')
    }
  })

  contractTest(
    t,
    open,
    'a deleted topic takes its queues and committed offsets along',
    async (t, world) => {
      const { engine } = world
      const [gone, stays] = [await world.topic('gone', 2), await world.topic('stays')]
      const rows = [
        committedOffset('g', gone.id, 1),
        committedOffset('g', gone.id, 2, 1),
        committedOffset('g', stays.id, 3)
      ]
      await world.append(gone.queues[0]!, batchOf(['a']))
      await world.append(stays.queues[0]!, batchOf(['b']))
      await world.commit({
        changes: rows.map(
          (row) => ({ op: 'put', row: { family: 'committed-offset', row } }) as const
        )
      })
      await world.commit({ changes: [{ op: 'delete-topic', id: gone.id }] })
      for (let round = 0; round < 3; round++) {
        t.same(await engineCodes(gone.queues[0]!), Array(5).fill('queue-gone'))
        t.equal(await world.engine.findTopic({ kafkaName: 'gone' }), undefined)
        t.equal(await world.engine.findTopic({ queue: gone.queues[1]! }), undefined)
        t.same(
          (await world.engine.topics()).map(({ names }) => names.kafka),
          ['stays']
        )
        t.same(await world.engine.scanState('committed-offset', 'g'), [rows[2]])
        t.same(await world.valuesOf(stays.queues[0]!), ['b'])
        if (round === 0) await world.under.reopen()
        else await world.under.crash()
      }
      t.not(engine, undefined)

      async function engineCodes(queue: number): Promise<string[]> {
        const now = world.engine
        const [read] = await world.read([{ queue, offset: 0, maxBytes: 100 }])
        const calls = [
          now.ends(queue),
          now.offsetByTime(queue, 0, 'record'),
          now.latestByTimestamp(queue),
          now.commit({ appends: [appendOf(queue, batchOf(['x']))] })
        ]
        const errors = await Promise.all(calls.map((call) => refusal(call)))
        return [(read as StoreError).code, ...errors.map(({ code }) => code)]
      }
    }
  )

  contractTest(t, open, 'a topic made again under its name is a new one', async (t, world) => {
    const seen = new Set<number>()
    for (let i = 0; i < 5; i++) {
      const topic = await world.topic('again', 2)
      for (const queue of topic.queues) seen.add(queue)
      t.equal(await world.engine.readState(stateKeys.committedOffset('g', topic.id, 0)), undefined)
      t.same(await world.engine.scanState('committed-offset'), [])
      t.equal(await world.append(topic.queues[0]!, batchOf([`${i}`])), 0)
      t.same(await world.valuesOf(topic.queues[0]!), [`${i}`])
      const row = committedOffset('g', topic.id, 1)
      await world.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
      if (i === 2) await world.under.reopen()
      await world.commit({ changes: [{ op: 'delete-topic', id: topic.id }] })
      if (i === 3) await world.under.crash()
    }
    t.equal(seen.size, 10, 'no uid was used twice')
  })

  contractTest(
    t,
    open,
    'one commit may delete a topic and make another of its name',
    async (t, world) => {
      const old = await world.topic('t')
      await world.append(old.queues[0]!, batchOf(['old']))
      const topic = world.newTopic('t')
      const { topics } = await world.commit({
        changes: [
          { op: 'delete-topic', id: old.id },
          { op: 'create-topic', topic }
        ]
      })
      for (let round = 0; round < 2; round++) {
        t.same(await world.engine.findTopic({ kafkaName: 't' }), topics[0])
        t.equal((await world.engine.ends(topics[0]!.queues[0]!)).highWatermark, 0)
        await world.under.crash()
      }
    }
  )

  contractTest(t, open, 'producer ids are handed out once, whatever happens', async (t, world) => {
    const seen = new Set<number>()
    const take = async (...counts: number[]) => {
      const changes = counts.map((count) => ({ op: 'reserve-producer-ids', count }) as const)
      const { producerIds } = await world.engine.commit({ changes })
      t.equal(producerIds.length, counts.length)
      for (const [i, first] of producerIds.entries()) {
        t.ok(first >= 0)
        for (let id = first; id < first + counts[i]!; id++) {
          if (seen.has(id)) t.fail(`${id} was handed out twice`)
          seen.add(id)
        }
      }
    }
    await Promise.all([take(1), take(1000), take(5, 1, 7)])
    await world.under.reopen()
    await take(10, 10)
    await world.engine.settle()
    await world.under.crash()
    await take(3)
    t.equal(seen.size, 1037)
  })
}
