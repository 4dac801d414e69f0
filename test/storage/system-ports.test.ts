import t from 'tap'
import { systemClock, systemRandom } from '../../storage/system-ports.ts'

t.test('a timer fires once after its time, and not when cancelled', async (t) => {
  const start = systemClock.monotonicMs()
  let cancelled = true
  systemClock
    .after(5, () => {
      cancelled = false
    })
    .cancel()
  // Timers do not keep the process alive: something else must while we wait.
  const alive = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) => systemClock.after(20, resolve))
  clearInterval(alive)
  t.ok(systemClock.monotonicMs() - start >= 19)
  t.ok(cancelled)
})

t.test('a delay beyond what Node\u2019s timers hold does not fire at once', async (t) => {
  let fired = false
  const timer = systemClock.after(2 ** 40, () => {
    fired = true
  })
  const alive = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) => systemClock.after(10, resolve))
  clearInterval(alive)
  timer.cancel()
  t.notOk(fired)
})

t.test('wall-clock time is now', async (t) => {
  t.ok(Math.abs(systemClock.now() - Date.now()) < 1000)
})

t.test('uuids are random and of version 4', async (t) => {
  const all = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const uuid = systemRandom.uuid()
    t.ok(uuid.length === 16 && uuid[6]! >> 4 === 4 && uuid[8]! >> 6 === 2)
    all.add(uuid.toString('hex'))
  }
  t.equal(all.size, 200)
  t.equal(systemRandom.bytes(33).length, 33)
})
