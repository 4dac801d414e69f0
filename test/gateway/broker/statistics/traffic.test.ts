import t from 'tap'
import { DayTotals } from '../../../../gateway/broker/statistics/day-totals.ts'
import { Traffic, trafficLimits } from '../../../../gateway/broker/statistics/traffic.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const hour = 60 * 60 * 1000
const topicId = 'ab'.repeat(16)

t.test(
  'appends count for their queue, reads for their group, and all of them together',
  async (t) => {
    const clock = new FakeClock()
    const traffic = new Traffic(clock)
    traffic.appended(1, 3, 300)
    traffic.appended(2, 1, 50)
    traffic.read(2, 200)
    traffic.read(0, 0)
    traffic.given('g', topicId, 1, 2, 200, 17)
    traffic.sentBack('g', topicId)
    const { appends, reads, misses } = traffic
    t.same(appends.total, { times: 2, records: 4, bytes: 350 })
    t.same([reads.total.records, reads.total.times, misses.total.times], [2, 1, 1])
    t.same(traffic.appendsTo(1)?.total, { times: 1, records: 3, bytes: 300 })
    t.equal(traffic.appendsTo(3), undefined)
    const given = traffic.givenTo('g', topicId)
    t.same(given?.counter.total, { times: 1, records: 2, bytes: 200 })
    t.same([...(given?.places ?? [])], [[1, 17]])
    t.equal(traffic.givenTo('h', topicId), undefined)
    t.equal(traffic.sentBackBy('g', topicId)?.total.records, 1)
    t.equal(traffic.sentBackBy('h', topicId), undefined)
    t.equal(clock.timers, 0, 'nothing runs by the clock')
  }
)

t.test(
  'counters are limited: those that were idle make room, and the sum has the rest',
  async (t) => {
    const clock = new FakeClock()
    const limits = { ...trafficLimits, countersMax: 3, idleMs: 24 * hour, sweepMs: 60_000 }
    const traffic = new Traffic(clock, limits)
    traffic.appended(1, 1, 1)
    traffic.given('g', topicId, 0, 1, 1, 1)
    traffic.sentBack('g', topicId)
    traffic.appended(2, 1, 1)
    t.equal(traffic.appendsTo(2), undefined, 'there is no room')
    t.equal(traffic.appends.total.records, 2, 'but it is counted')
    await clock.advance(23 * hour)
    traffic.appended(1, 1, 1)
    await clock.advance(2 * hour)
    traffic.appended(2, 1, 1)
    t.equal(traffic.appendsTo(2)?.total.records, 1)
    t.ok(traffic.appendsTo(1), 'it was not idle')
    t.notOk(traffic.givenTo('g', topicId))
    t.notOk(traffic.sentBackBy('g', topicId))
  }
)

t.test('how far groups were given is known of so many queues', async (t) => {
  const clock = new FakeClock()
  const limits = { ...trafficLimits, countersMax: 2, placesMax: 2, idleMs: hour }
  const traffic = new Traffic(clock, limits)
  for (const queue of [0, 1, 2, 1]) traffic.given('g', topicId, queue, 1, 1, 5 + queue)
  const given = traffic.givenTo('g', topicId)
  t.same(
    [...(given?.places ?? [])],
    [
      [0, 5],
      [1, 6]
    ]
  )
  t.equal(given?.counter.total.records, 4, 'all is counted')
  await clock.advance(2 * hour)
  traffic.appended(1, 1, 1)
  traffic.given('h', topicId, 7, 1, 1, 9)
  traffic.given('i', topicId, 7, 1, 1, 9)
  t.notOk(traffic.givenTo('g', topicId), 'it made room')
  const places = [...(traffic.givenTo('h', topicId)?.places ?? [])]
  t.same(places.length + [...(traffic.givenTo('i', topicId)?.places ?? [])].length, 1)
})

t.test('full of counters that are in use, room is looked for once a minute', async (t) => {
  const clock = new FakeClock()
  const traffic = new Traffic(clock, { ...trafficLimits, countersMax: 1, idleMs: 1000 })
  traffic.appended(1, 1, 1)
  traffic.appended(2, 1, 1)
  await clock.advance(2000)
  traffic.appended(2, 1, 1)
  t.notOk(traffic.appendsTo(2), 'too soon after the last look')
  await clock.advance(60_000)
  traffic.appended(2, 1, 1)
  t.ok(traffic.appendsTo(2))
})

t.test('a day begins at midnight, whether anything came or not', async (t) => {
  const clock = new FakeClock(new Date(2026, 4, 5, 22).getTime())
  const days = new DayTotals(clock)
  days.add(5)
  t.same(days.get(), { now: 5, today: 0, yesterday: 0 })
  await clock.advance(3 * hour)
  days.add(2)
  t.same(days.get(), { now: 7, today: 5, yesterday: 0 })
  await clock.advance(24 * hour)
  t.same(days.get(), { now: 7, today: 7, yesterday: 5 })
  days.add(1)
  await clock.advance(48 * hour)
  t.same(days.get(), { now: 8, today: 8, yesterday: 8 }, 'nothing came the whole day before')
})
