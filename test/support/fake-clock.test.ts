import t from 'tap'
import { FakeClock } from './fake-clock.ts'
import { SeededRandom } from './seeded-random.ts'

t.test('timers fire in order of their time, each at its time, once', async (t) => {
  const clock = new FakeClock(1000)
  const fired: string[] = []
  const note = (name: string) => () => fired.push(`${name}@${clock.monotonicMs()},${clock.now()}`)
  clock.after(30, note('c'))
  clock.after(10, note('a'))
  clock.after(10, note('b'))
  clock.after(20, note('never')).cancel()
  clock.after(41, note('later'))
  await clock.advance(40)
  t.same(fired, ['a@10,1010', 'b@10,1010', 'c@30,1030'])
  t.equal(clock.timers, 1)
  t.equal(clock.now(), 1040)
})

t.test('what a timer sets off settles before the next, and its timers count', async (t) => {
  const clock = new FakeClock()
  const order: string[] = []
  clock.after(5, () => {
    void Promise.resolve().then(async () => {
      await undefined
      order.push('settled')
      clock.after(2, () => order.push('inner'))
    })
  })
  clock.after(6, () => order.push('second'))
  await clock.advance(10)
  t.same(order, ['settled', 'second', 'inner'])
})

t.test('the wall clock steps alone, backwards too', async (t) => {
  const clock = new FakeClock(1000)
  clock.stepWallClock(-500)
  await clock.advance(1)
  t.equal(clock.now(), 501)
  t.equal(clock.monotonicMs(), 1)
})

t.test('a seed repeats its numbers, another has others', async (t) => {
  const words = (seed: number) => {
    const random = new SeededRandom(seed)
    return Array.from({ length: 100 }, () => random.word())
  }
  t.same(words(5), words(5))
  t.not(words(5).join(), words(6).join())
  const random = new SeededRandom(1)
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 10_000; i++) counts[random.integer(5)]!++
  for (const count of counts) t.ok(count > 1800 && count < 2200, `${count} of 10000`)
  t.equal(random.uuid()[6]! >> 4, 4)
})
