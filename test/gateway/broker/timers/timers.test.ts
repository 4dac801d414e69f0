import t from 'tap'
import type { Verdict } from '../../../../gateway/broker/timers/index.ts'
import { StoreError } from '../../../../storage/index.ts'
import { settled } from '../../../support/fake-clock.ts'
import { recordOf, TimerWorld } from './timer-world.ts'

t.test('a record comes to its target when it is due, not a millisecond before', async (t) => {
  const world = await TimerWorld.open(t)
  const idle = world.clock.timers
  const topic = await world.topic('orders', 2)
  const [, queue = 0] = topic.queues
  const now = world.clock.now()
  const target = { topicId: topic.id, queue: 1 }
  const late = world.newTimer(topic, 'late', { afterMs: 5000 }, { target })
  t.equal((await world.timers.add(late)).dueMs, now + 5000)
  await world.timers.add(world.newTimer(topic, 'soon', { atMs: now + 1234 }, { target }))
  await world.clock.advance(1233)
  t.same(await world.bodiesOf(queue), [])
  await world.clock.advance(1)
  t.same(await world.bodiesOf(queue), ['soon'])
  await world.clock.advance(3765)
  t.same(await world.bodiesOf(queue), ['soon'])
  await world.clock.advance(1)
  t.same(await world.bodiesOf(queue), ['soon', 'late'])
  t.same(await world.bodiesOf(topic.queues[0] ?? 0), [])
  t.match(world.timers.figures().delayed, { added: 2, fired: 2, dropped: 0 })
  t.equal(await world.timers.pending('delayed'), 0)
  t.equal(world.clock.timers, idle, 'with nothing pending nothing runs')
})

t.test('what is copied is what waited', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  const record = recordOf('body', 'KEYS\u0001a b\u0002TAGS\u0001x\u0002DELAY\u00013\u0002')
  await world.timers.add(world.newTimer(topic, '', { afterMs: 10 }, { record }))
  await world.clock.advance(10)
  const [message] = await world.messagesOf(topic.queues[0] ?? 0)
  t.match(message, { flag: 7, reconsumeTimes: 2, bornTimestampMs: 1_700_000_000_000, tag: 'x' })
  t.equal(message?.properties.toString(), 'KEYS\u0001a b\u0002TAGS\u0001x\u0002DELAY\u00013\u0002')
  const found = { topicId: topic.id, key: 'b', fromMs: 0, toMs: 1e15, countMax: 9 }
  t.equal((await world.store.findByKey(found)).length, 1, 'it is found by its key')
})

t.test('many that are due together come in order of due time, a few at a time', async (t) => {
  const world = await TimerWorld.open(t, { limits: { timersAtOnceMax: 7 } })
  const topic = await world.topic('orders')
  const now = world.clock.now()
  const dues = Array.from({ length: 300 }, () => world.random.integer(50))
  await Promise.all(
    dues.map((ms, i) => world.timers.add(world.newTimer(topic, `${i}`, { atMs: now + ms })))
  )
  await world.reopen(100)
  await world.clock.advance(0)
  await until(async () => (await world.timers.pending('delayed')) === 0)
  const bodies = await world.bodiesOf(topic.queues[0] ?? 0)
  const wanted = dues.map((ms, i) => [ms, i] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1])
  t.same(
    bodies,
    wanted.map(([, i]) => `${i}`)
  )
})

t.test('a backlog is read many records at a time, large ones alone', async (t) => {
  let reads = 0
  const world = await TimerWorld.open(t, {
    engineOf: (store) =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'read') reads++
          const found = Reflect.get(target, name)
          return typeof found === 'function' ? found.bind(target) : found
        }
      })
  })
  const topic = await world.topic('orders')
  const now = world.clock.now()
  const bodies = Array.from({ length: 800 }, (_, i) =>
    i % 400 === 170 ? `${i} `.padEnd(200_000, 'large ') : `${i} `.padEnd(300, 'small ')
  )
  const dues = bodies.map(() => now + 1000 + world.random.integer(500))
  await Promise.all(
    bodies.map((body, i) => world.timers.add(world.newTimer(topic, body, { atMs: dues[i] ?? 0 })))
  )
  await world.reopen(2000)
  await world.clock.advance(0)
  await until(async () => (await world.timers.pending('delayed')) === 0)
  t.same((await world.bodiesOf(topic.queues[0] ?? 0)).sort(), [...bodies].sort())
  t.ok(reads > 2 && reads <= 20, `${reads} reads for 800 records`)
})

t.test('a timer that was settled does not fire, and is settled once', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  const { place } = await world.timers.add(world.newTimer(topic, 'x', { afterMs: 1000 }))
  const pending = await world.timers.find(place)
  t.equal(pending?.message.body.toString(), 'x')
  t.match(pending?.row, { targetTopicId: topic.id, targetQueue: 0, count: 0 })
  const queue = topic.queues[0] ?? 0
  const copy = { queue, records: [recordOf('instead')], origin: 'rocketmq' } as const
  const tries = await Promise.all([
    world.timers.settle(place, { appends: [copy] }),
    world.timers.settle(place)
  ])
  t.ok(tries[0])
  t.equal(tries[1], undefined)
  await world.clock.advance(2000)
  t.same(await world.bodiesOf(queue), ['instead'])
  t.equal(await world.timers.find(place), undefined)
  t.match(world.timers.figures().delayed, { settled: 1, fired: 0 })
})

t.test('what is committed with a timer is committed with it or not at all', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  const queue = topic.queues[0] ?? 0
  const also = {
    appends: [{ queue, records: [recordOf('with it')], origin: 'rocketmq' as const }],
    conditions: [{ is: 'topic' as const, id: '00'.repeat(16) }]
  }
  const timer = world.newTimer(topic, 'x', { afterMs: 1 })
  await t.rejects(world.timers.add(timer, also), { code: 'condition-failed' })
  t.equal(await world.timers.pending('delayed'), 0)
  t.same(await world.bodiesOf(queue), [])
  const { place } = await world.timers.add(timer, { appends: also.appends })
  t.same(await world.bodiesOf(queue), ['with it'])
  await t.rejects(world.timers.settle(place, also), { code: 'condition-failed' })
  await world.clock.advance(1)
  t.same(await world.bodiesOf(queue), ['with it', 'x'])
})

t.test('timers fire once over restarts, the late ones at once', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  const queue = topic.queues[0] ?? 0
  for (const [i, afterMs] of [100, 200, 60_000].entries())
    await world.timers.add(world.newTimer(topic, `${i}`, { afterMs }))
  await world.clock.advance(150)
  t.same(await world.bodiesOf(queue), ['0'])
  await world.crash(1000)
  await until(async () => (await world.bodiesOf(queue)).length === 2)
  t.same(await world.bodiesOf(queue), ['0', '1'])
  await world.reopen()
  await world.clock.advance(60_000)
  t.same(await world.bodiesOf(queue), ['0', '1', '2'])
  t.equal(world.clock.timers, 0)
})

t.test('a queue that is no more gives way to the one it is modulo', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders', 4)
  const target = { topicId: topic.id, queue: 3 }
  await world.timers.add(world.newTimer(topic, 'x', { afterMs: 5 }, { target }))
  const update = { writeQueues: 2 }
  await world.store.commit({ changes: [{ op: 'update-topic', id: topic.id, update }] })
  await world.clock.advance(5)
  t.same(await Promise.all(topic.queues.map((queue) => world.bodiesOf(queue))), [[], ['x'], [], []])
})

t.test('what has no target any more is dropped, counted and logged', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  for (const body of ['a', 'b']) await world.timers.add(world.newTimer(topic, body, { afterMs: 5 }))
  await world.store.commit({ changes: [{ op: 'delete-topic', id: topic.id }] })
  await world.clock.advance(5)
  t.match(world.timers.figures().delayed, { dropped: 2, fired: 0 })
  t.equal(await world.timers.pending('delayed'), 0)
  const lines = world.log.filter(({ event }) => event === 'timer-dropped')
  t.match(lines, [{ fields: { count: 2, offset: 0, targetTopicId: topic.id } }])
  t.equal(lines.length, 1)
})

t.test(
  'a store that refuses is asked again, with growing pauses, and nothing is lost',
  async (t) => {
    let refusals = 0
    const world = await TimerWorld.open(t, {
      limits: { timerRetryMsMax: 400 },
      engineOf: (store) =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name, target) as unknown
            if (name === 'commit' && refusals > 0) {
              refusals--
              return () => Promise.reject(new StoreError('disk-full', 'full'))
            }
            return typeof value === 'function' ? value.bind(target) : value
          }
        })
    })
    const topic = await world.topic('orders')
    const queue = topic.queues[0] ?? 0
    await world.timers.add(world.newTimer(topic, 'x', { afterMs: 10 }))
    refusals = 5
    await world.clock.advance(10)
    t.equal(refusals, 4)
    // 50, 100, 200, 400, 400 ms
    await world.clock.advance(50 + 100 + 200 + 400)
    t.equal(refusals, 0)
    t.same(await world.bodiesOf(queue), [])
    await world.clock.advance(400)
    t.same(await world.bodiesOf(queue), ['x'])
    t.equal(world.timers.figures().delayed.refused, 5)
  }
)

t.test('a check puts its timer again, with its count and detail, until it settles', async (t) => {
  const seen: [atMs: number, count: number, detail: unknown][] = []
  const start = new Date('2025-06-15T15:06:40Z').getTime()
  const world = await TimerWorld.open(t, {
    prepare: (timers, { clock }) =>
      timers.setAction('half', ({ row }): Verdict => {
        seen.push([clock.now() - start, row.count, row.detail])
        if (row.count === 2) return { settle: {} }
        const dueMs = clock.now() + 1000
        return row.count === 0
          ? { again: { dueMs, detail: { asked: 'yes' } } }
          : { again: { dueMs } }
      })
  })
  const topic = await world.topic('orders')
  const timer = { kind: 'half', detail: { group: 'p' } } as const
  await world.timers.add(world.newTimer(topic, 'x', { atMs: start + 6000 }, timer))
  await world.clock.advance(6500)
  await world.reopen()
  await world.clock.advance(10_000)
  t.same(seen, [
    [6000, 0, { group: 'p' }],
    [7000, 1, { asked: 'yes' }],
    [8000, 2, { asked: 'yes' }]
  ])
  t.equal(await world.timers.pending('half'), 0)
})

t.test('an action that fails does not hold up the others', async (t) => {
  let failures = 0
  const world = await TimerWorld.open(t, {
    prepare: (timers) =>
      timers.setAction('half', ({ message }) => {
        if (message.body.toString() === 'bad' && failures++ < 2) throw new Error('a bug')
        return { settle: {} }
      })
  })
  const topic = await world.topic('orders')
  for (const body of ['bad', 'good'])
    await world.timers.add(world.newTimer(topic, body, { afterMs: 5 }, { kind: 'half' }))
  await world.clock.advance(5)
  t.equal(await world.timers.pending('half'), 1)
  t.same(world.events, ['timer-action-failed'])
  await world.clock.advance(1000 + 2000)
  t.equal(await world.timers.pending('half'), 0)
  t.equal(failures, 3)
})

t.test('records that wait long do not keep those that wait shortly', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  const hourMs = 3_600_000
  const places = new Map<number, number>()
  for (const hours of [0.5, 2, 3, 71, 73, 10_000]) {
    const { place } = await world.timers.add(
      world.newTimer(topic, `${hours}`, { afterMs: hours * hourMs })
    )
    places.set(hours, place.queue)
  }
  t.equal(new Set(places.values()).size, 3)
  t.equal(places.get(0.5), places.get(2))
  t.equal(places.get(3), places.get(71))
  t.equal(places.get(73), places.get(10_000))
  t.equal(await world.timers.pending('delayed'), 6)
  world.clock.stepWallClock(100 * hourMs)
  await world.clock.advance(20_000)
  t.same((await world.bodiesOf(topic.queues[0] ?? 0)).sort(), ['0.5', '2', '3', '71', '73'])
  await world.reopen()
  t.equal(await world.timers.pending('delayed'), 1)
})

t.test('no more timers than the limit', async (t) => {
  const world = await TimerWorld.open(t, { limits: { timersMax: 2 } })
  const topic = await world.topic('orders')
  const add = () => world.timers.add(world.newTimer(topic, 'x', { afterMs: 100 }))
  const tries = await Promise.allSettled([add(), add(), add()])
  t.same(
    tries.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected']
  )
  await t.rejects(add(), { code: 'limit-reached' })
  await world.clock.advance(100)
  await t.resolves(add())
})

t.test('a clock that is set forward is noticed within seconds', async (t) => {
  const world = await TimerWorld.open(t)
  const topic = await world.topic('orders')
  await world.timers.add(world.newTimer(topic, 'x', { afterMs: 3_600_000 }))
  world.clock.stepWallClock(3_600_000)
  await world.clock.advance(10_000)
  t.same(await world.bodiesOf(topic.queues[0] ?? 0), ['x'])
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 1000; round++) {
    if (await isSo()) return
    await settled(1)
  }
  throw new Error('it never was so')
}
