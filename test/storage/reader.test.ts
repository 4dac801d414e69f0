// One read of many queues whose records are on disk.
import t from 'tap'
import type { QueueUid } from '../../storage/contract.ts'
import { batchOf, dataOf, World } from './engine/world.ts'
import { onRealDisk, tinySettings } from './store-under-test.ts'

const open = onRealDisk({ flushMode: 'async', settings: tinySettings })
const mib = 1024 * 1024

/** `count` queues with three batches of one record of so many bytes each, none of it in memory any more. */
async function coldQueues(
  world: World,
  count: number,
  bytes: number
): Promise<readonly QueueUid[]> {
  const { queues } = await world.topic('many', count)
  for (let turn = 0; turn < 3; turn++)
    for (const queue of queues) await world.append(queue, batchOf(['x'.repeat(bytes)]))
  const other = await world.queue('other')
  for (let i = 0; i < 4; i++) await world.append(other, batchOf(['y'.repeat(20_000)]))
  return queues
}

t.test(
  'what one queue on disk does not use of the room others have in the same read',
  async (t) => {
    const world = new World(t, await open(t))
    const queues = await coldQueues(world, 40, 1000)
    const reads = queues.map((queue) => ({ queue, offset: 0, maxBytes: mib }))
    const results = (await world.read(reads, { maxBytes: mib })).map(dataOf)
    t.strictSame(
      results.map(({ nextOffset }) => nextOffset),
      queues.map(() => 3),
      'though each might have taken all of the room'
    )
  }
)

t.test('no read is given more than it asked for, and the first queues come first', async (t) => {
  const world = new World(t, await open(t))
  const queues = await coldQueues(world, 20, 10_000)
  const maxBytes = 300_000
  const reads = queues.map((queue) => ({ queue, offset: 0, maxBytes: 100_000 }))
  const results = (await world.read(reads, { maxBytes })).map(dataOf)
  const bytes = results.reduce((sum, one) => sum + one.bytes, 0)
  t.ok(bytes <= maxBytes, `${bytes} bytes`)
  t.ok(bytes > maxBytes / 2, `${bytes} bytes`)
  const fed = results.map((one) => one.bytes > 0)
  t.ok(fed.lastIndexOf(true) < fed.indexOf(false), 'those that got nothing are the last')
})
