// The newest groups in memory: what they are counted as, and that what leaves is let go of.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Queue } from '../../storage/queue.ts'
import { Tail, type TailRun, tailRunOf } from '../../storage/tail.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function runOf(queue: Queue, batch: Buffer): TailRun {
  const baseOffset = queue.sealedEnd++
  const run = {
    queue,
    topicId: queue.topicId,
    flags: 0,
    baseOffset,
    nextOffset: baseOffset + 1,
    recordCount: 1,
    batches: [batch],
    bytes: batch.length,
    maxTimestamp: 0,
    runningMax: 0,
    keys: [],
    resolves: [],
    position: 0
  }
  return tailRunOf(run, 0)
}

t.test('what left the tail is let go of, also by queues that get nothing more', async (t) => {
  const tail = new Tail(64 * 1024)
  const silent = new Queue(1, 'topic', 0)
  const busy = new Queue(2, 'topic', 1)
  const addOne = (): WeakRef<Buffer> => {
    const batch = Buffer.alloc(16 * 1024)
    tail.add([runOf(silent, batch)])
    return new WeakRef(batch)
  }
  const gone = [addOne(), addOne(), addOne()]
  for (let i = 0; i < 10; i++) tail.add([runOf(busy, Buffer.alloc(16 * 1024))])
  t.equal(silent.tail.length, 0)
  t.equal(silent.tail.startOffset, Number.POSITIVE_INFINITY)
  // A WeakRef holds on until the turn is over that it was made in.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  t.strictSame(
    gone.map((one) => one.deref()),
    [undefined, undefined, undefined]
  )
  t.equal(busy.tail.at(0)?.batches[0]?.length, 16 * 1024, 'what is there is there')
})

t.test('a queue has its newest runs without gaps, however many left', async (t) => {
  const tail = new Tail(64 * 1024)
  const queue = new Queue(1, 'topic', 0)
  for (let i = 0; i < 500; i++) tail.add([runOf(queue, Buffer.alloc(1000))])
  t.ok(queue.tail.length > 20, `${queue.tail.length} runs are held`)
  t.equal(queue.tail.startOffset, 500 - queue.tail.length)
  for (let i = 0; i < queue.tail.length; i++)
    t.equal(queue.tail.at(i)?.baseOffset, queue.tail.startOffset + i)
})

t.test('tiny runs count with what they take besides their bytes', async (t) => {
  const tail = new Tail(64 * 1024)
  const queue = new Queue(1, 'topic', 0)
  const batch = Buffer.alloc(70)
  for (let i = 0; i < 2000; i++) tail.add([runOf(queue, batch)])
  t.ok(tail.bytes <= 64 * 1024)
  t.ok(queue.tail.length * batch.length < 16 * 1024, 'most of the memory is not the bytes')
})
