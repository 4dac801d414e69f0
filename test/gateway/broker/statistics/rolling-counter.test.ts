import t from 'tap'
import { RollingCounter } from '../../../../gateway/broker/statistics/rolling-counter.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

t.test('what came counts at once, and over a step at least', async (t) => {
  const counter = new RollingCounter(5 * second)
  counter.add(4, 400, 6 * second)
  const counted = { times: 1, records: 4, bytes: 400 }
  t.same(counter.over('minute', 6 * second), { ...counted, elapsedMs: 10 * second })
  t.same(counter.over('hour', 6 * second), { ...counted, elapsedMs: 10 * minute })
  t.same(counter.over('day', 6 * second), { ...counted, elapsedMs: hour })
})

t.test('a window slides in steps: what is older than it no longer counts', async (t) => {
  const counter = new RollingCounter(0)
  for (let at = 0; at < 5 * minute; at += 10 * second) counter.add(10, 1000, at + second)
  const now = 5 * minute
  t.same(counter.over('minute', now), {
    times: 6,
    records: 60,
    bytes: 6000,
    elapsedMs: minute
  })
  t.same(counter.over('minute', now, 1), {
    times: 1,
    records: 10,
    bytes: 1000,
    elapsedMs: 10 * second
  })
  t.same(counter.over('minute', now + 9 * second).elapsedMs, minute + 9 * second)
  t.equal(counter.over('hour', now).records, 300, 'the hour has all of it')
  t.equal(counter.over('minute', now + minute).records, 0)
  t.equal(counter.over('hour', now + minute).records, 300)
  t.equal(counter.over('hour', now + 2 * hour).records, 0)
  t.equal(counter.over('day', now + 2 * hour).records, 300)
  t.equal(counter.over('day', now + 26 * hour).records, 0)
  t.same(counter.total, { times: 30, records: 300, bytes: 30_000 }, 'the total has it still')
})

t.test('a counter that was idle for longer than all windows begins anew', async (t) => {
  const counter = new RollingCounter(0)
  counter.add(7, 70, second)
  const later = 1000 * hour + 3 * second
  counter.add(2, 20, later)
  for (const window of ['minute', 'hour', 'day'] as const) {
    t.equal(counter.over(window, later).records, 2, window)
  }
  t.equal(counter.lastMs, later)
})

t.test('a steady load has the same rate over every window', async (t) => {
  const counter = new RollingCounter(123)
  for (let at = 123; at < 25 * hour; at += 30 * second) counter.add(60, 6, at)
  for (const window of ['minute', 'hour', 'day'] as const) {
    const { records, elapsedMs } = counter.over(window, 25 * hour)
    t.match((records * 1000) / elapsedMs, 2, window)
  }
})
