// What reads of old data leave to others. The disk is in memory: nothing but turns holds a read up.
import t from 'tap'
import { SlicedTurns } from '../../storage/sliced-turns.ts'
import { batchOf, dataOf, World } from './engine/world.ts'
import { onFaultyDisk, tinySettings } from './store-under-test.ts'

const kib = 1024
const mib = 1024 * kib
const sliceBytes = 64 * kib

/** Counts the bytes that were worked on. */
class CountedTurns extends SlicedTurns {
  bytes = 0

  override take(bytes: number): boolean {
    const taken = super.take(bytes)
    if (taken) this.bytes += bytes
    return taken
  }

  override wait(bytes: number, go: () => void): void {
    super.wait(bytes, () => {
      this.bytes += bytes
      go()
    })
  }
}

for (const queueCount of [1, 8])
  t.test(`beside a read of much in ${queueCount} queues others have their turns`, async (t) => {
    const turns = new CountedTurns(sliceBytes)
    const settings = { ...tinySettings, segmentBytes: 4 * mib }
    const open = onFaultyDisk({ flushMode: 'sync', settings, turns })
    const world = new World(t, await open(t))
    const { queues } = await world.topic('cold', queueCount)
    const batches = (8 * mib) / (16 * kib)
    for (let i = 0; i < batches; i++)
      await world.append(queues[i % queueCount]!, batchOf(['x'.repeat(16 * kib)]))
    const small = await world.queue('small')
    await world.append(small, batchOf(['small']))
    for (let i = 0; i < 8; i++) await world.append(queues[0]!, batchOf(['y'.repeat(16 * kib)]))
    const reads = queues.map((queue) => ({ queue, offset: 0, maxBytes: 10 * mib }))
    turns.bytes = 0
    let isDone = false
    const reading = world.read(reads).then((results) => {
      isDone = true
      return results.map(dataOf)
    })
    while (turns.bytes === 0) await new Promise((resolve) => setImmediate(resolve))
    const doneBytes = async (what: Promise<unknown>): Promise<number> => {
      const before = turns.bytes
      await what
      t.notOk(isDone, 'the large read goes on')
      return turns.bytes - before
    }
    const forAppend = await doneBytes(world.append(small, batchOf(['appended'])))
    t.ok(forAppend <= 6 * sliceBytes, `${forAppend} bytes before an append is durable`)
    const forRead = await doneBytes(world.readOne({ queue: small, offset: 0 }))
    t.ok(forRead <= mib, `${forRead} bytes before a small read is answered`)
    const bytes = (await reading).reduce((sum, one) => sum + one.bytes, 0)
    t.ok(bytes > 8 * mib, 'and is whole in the end')
  })
