import fc from 'fast-check'
import t from 'tap'
import { PendingTimers } from '../../../storage/state/pending-timers.ts'

type Step =
  | { readonly op: 'put'; readonly offset: number; readonly dueMs: number }
  | { readonly op: 'delete'; readonly offset: number }

/** Some offsets collide in the table's low bits, some are far apart. */
const offset = fc.oneof(
  fc.nat(300),
  fc.nat(60).map((n) => n * 4096),
  fc.nat(30).map((n) => 2 ** 40 + n)
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('put' as const), offset, dueMs: fc.nat(50) })
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), offset }) }
)

t.test('timers are found by offset, and given in order of due time', async (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 600 }),
      fc.nat(50),
      fc.nat(40),
      (steps, through, count) => {
        const timers = new PendingTimers()
        const model = new Map<number, number>()
        for (const [i, one] of steps.entries()) {
          if (one.op === 'put') {
            timers.put(one.offset, one.dueMs, i)
            model.set(one.offset, one.dueMs)
          } else if (timers.delete(one.offset) !== model.delete(one.offset)) return false
        }
        const all = [...model].sort((a, b) => a[1] - b[1] || a[0] - b[0])
        t.equal(timers.count, model.size)
        t.equal(timers.nextDueMs, all[0]?.[1])
        const first = timers.first(count, through).map((one) => [one.offset, one.dueMs])
        t.same(first, all.filter(([, dueMs]) => dueMs <= through).slice(0, count))
        for (const [at, dueMs] of model) t.equal(timers.get(at)?.dueMs, dueMs)
        t.equal(timers.get(5000), undefined)
        t.same(
          [...timers.offsets()].sort((a, b) => a - b),
          [...model.keys()].sort((a, b) => a - b)
        )
        t.equal(timers.firstOffset(), model.size === 0 ? undefined : Math.min(...model.keys()))
        return true
      }
    ),
    { numRuns: 200 }
  )
})

t.test('a stretch says whether a timer is pending in it', async (t) => {
  const stretch = fc.tuple(fc.nat(6000), fc.nat(3000))
  const offsets = fc.uniqueArray(fc.nat(8000), { maxLength: 8 })
  fc.assert(
    fc.property(offsets, fc.array(stretch, { maxLength: 20 }), (pending, stretches) => {
      const timers = new PendingTimers()
      for (const one of [...pending, 9000]) timers.put(one, 1, 1)
      timers.delete(9000)
      for (const [from, length] of stretches) {
        const to = from + length
        const wanted = pending.some((one) => one >= from && one < to)
        t.equal(timers.isPendingIn(from, to), wanted)
      }
    })
  )
})

t.test('a hundred thousand come and go, and little memory stays', async (t) => {
  const timers = new PendingTimers()
  for (let i = 0; i < 100_000; i++) timers.put(i, (i * 7919) % 100_000, i)
  let last = -1
  for (let left = 100_000; left > 0; ) {
    const first = timers.first(1000, Number.POSITIVE_INFINITY)
    for (const one of first) {
      if (one.dueMs < last) t.fail(`${one.dueMs} after ${last}`)
      last = one.dueMs
      timers.delete(one.offset)
    }
    left -= first.length
  }
  t.equal(timers.count, 0)
  t.equal(timers.nextDueMs, undefined)
  t.equal(timers.firstOffset(), undefined)
})
