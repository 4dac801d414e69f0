// A wait for very many queues.
import t from 'tap'
import { Queue } from '../../storage/queue.ts'
import { Waiters } from '../../storage/waiters.ts'
import { FakeClock } from '../support/fake-clock.ts'

t.test(
  'a log start that moves ends the waits that begin before it, and looks at no other queue',
  async (t) => {
    let looks = 0
    const queues = Array.from({ length: 2000 }, (_, i) => new Queue(i + 1, 'topic', i))
    for (const queue of queues) queue.highWatermark = 10
    // A wait that has all its queues looked through for each that moves would look millions of times.
    const awaited = queues.map((queue) => ({
      get queue() {
        looks++
        return queue
      },
      offset: 10
    }))
    const clock = new FakeClock()
    const waiters = new Waiters(clock, 10)
    let ended: string | undefined
    void waiters.wait(awaited, 1, 60_000, undefined).then((how) => {
      ended = how
    })
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    for (const queue of queues) {
      queue.logStart = 10
      for (const waiter of [...queue.waiters]) waiter.noteLogStart(queue)
    }
    await settled()
    t.equal(ended, undefined, 'none begins before its log start')
    t.ok(looks < queues.length * 10, `${looks} looks at queues`)
    const last = queues.at(-1) as Queue
    last.logStart = 11
    for (const waiter of [...last.waiters]) waiter.noteLogStart(last)
    await settled()
    t.equal(ended, 'changed')
    t.equal(waiters.count, 0)
  }
)

t.test('of a queue that is waited for twice the lower offset counts', async (t) => {
  const queue = new Queue(1, 'topic', 0)
  queue.highWatermark = 20
  const batches = [Buffer.alloc(100)]
  const run = { queue, baseOffset: 15, nextOffset: 20, batches, bytes: 100 }
  queue.tail.push({ ...run, appendTimeMs: 0, flags: 0, heldBytes: 100 })
  const waiters = new Waiters(new FakeClock(), 10)
  const places = [20, 15].map((offset) => ({ queue, offset }))
  const held = waiters.wait(places, 1000, 60_000, undefined)
  queue.logStart = 16
  for (const waiter of [...queue.waiters]) waiter.noteLogStart(queue)
  t.equal(await held, 'changed')
})
