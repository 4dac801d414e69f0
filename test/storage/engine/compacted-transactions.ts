/** Compaction of transactions, of batches made by hand: nobody can send them yet. */
import type { Test } from 'tap'
import { controlBit, deleteHorizonBit } from '../../../storage/batch/attributes.ts'
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import { records } from '../../../storage/batch/records.ts'
import type { QueueUid } from '../../../storage/contract.ts'
import { compactedQueue, entriesBatch, put, seal, textOf } from './compacted.ts'
import { batchesOf, contractTest, type OpenEngine, type World } from './world.ts'

const marks = { abort: 0, commit: 1 } as const

/** What is there, batch by batch: records, markers (`*`: with a horizon) and what was emptied. */
async function batchesIn(world: World, queue: QueueUid): Promise<string[]> {
  const found: string[] = []
  for (const batch of batchesOf(await world.readOne({ queue }))) {
    const offset = batch.bytes.readBigInt64BE(0)
    const horizon = (batch.attributes & deleteHorizonBit) === 0 ? '' : '*'
    if (batch.recordCount === 0) found.push(`${offset} empty`)
    else if ((batch.attributes & controlBit) !== 0) found.push(`${offset} marker${horizon}`)
    else for (const record of await records(batch)) found.push(textOf(record))
  }
  return found
}

/** A producer of transactions; sequences go on over markers too, so that the store takes them. */
class TransactionalProducer {
  readonly #world: World
  readonly #queue: QueueUid
  readonly #id: number
  #sequence = 0

  constructor(world: World, queue: QueueUid, id: number) {
    this.#world = world
    this.#queue = queue
    this.#id = id
  }

  send(key: string, value: string, transactional = true): Promise<number> {
    const batch = entriesBatch([[key, value]], this.#world.clock.now(), {
      transactional,
      ...this.#place()
    })
    return this.#world.append(this.#queue, batch)
  }

  end(how: keyof typeof marks): Promise<number> {
    const key = Buffer.from([0, 0, 0, marks[how]])
    const record = { timestamp: this.#world.clock.now(), key, value: Buffer.alloc(6) }
    const batch = encodeBatch([record], { transactional: true, control: true, ...this.#place() })
    return this.#world.append(this.#queue, batch)
  }

  #place() {
    return { producerId: this.#id, producerEpoch: 0, baseSequence: this.#sequence++ }
  }
}

export function compactedTransactionTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'what was aborted goes, markers go after it and their time',
    async (t, world) => {
      const queue = await compactedQueue(world, { 'delete.retention.ms': '60000' })
      const filler = await world.queue('filler')
      const [one, two] = [5, 6].map((id) => new TransactionalProducer(world, queue, id))
      await put(world, queue, [['a', 'plain']])
      await one!.send('a', 'aborted')
      await two!.send('b', 'committed')
      await one!.end('abort')
      await two!.end('commit')
      await two!.send('c', 'stays')
      await two!.end('commit')
      await put(world, queue, [['b', 'later']])
      await one!.send('d', 'x', false)
      await two!.send('d', 'y', false)
      await seal(world, filler)
      await world.engine.enforceRetention()
      const kept = ['5 c=stays', '6 marker', '7 b=later', '9 d=y']
      const first = ['0 a=plain', '3 marker', '4 marker', ...kept.slice(0, 3), '8 empty', '9 d=y']
      t.same(await batchesIn(world, queue), first, 'markers stay while they may be needed')
      await world.under.crash()
      await put(world, queue, [['e', '1']])
      await seal(world, filler)
      await world.engine.enforceRetention()
      const second = first.map((text) => text.replace(/^([34]) marker/, '$1 marker*'))
      t.same(await batchesIn(world, queue), [...second, '10 e=1'])
      await world.clock.advance(100_000)
      await world.engine.enforceRetention()
      const third = ['0 a=plain', ...kept.slice(0, 3), '8 empty', '9 d=y', '10 e=1']
      for (const how of ['crash', 'reopen'] as const) {
        t.same(await batchesIn(world, queue), third)
        await world.under[how]()
      }
    }
  )

  contractTest(
    t,
    open,
    'nothing behind the start of an open transaction is compacted',
    async (t, world) => {
      const queue = await compactedQueue(world)
      const filler = await world.queue('filler')
      const producer = new TransactionalProducer(world, queue, 5)
      await put(world, queue, [['a', '1']])
      await put(world, queue, [['a', '2']])
      await producer.send('a', 'open')
      await put(world, queue, [['b', '1']])
      await put(world, queue, [['b', '2']])
      await seal(world, filler)
      await world.engine.enforceRetention()
      t.same(await batchesIn(world, queue), ['1 a=2', '2 a=open', '3 b=1', '4 b=2'])
      await producer.end('abort')
      await seal(world, filler)
      await world.engine.enforceRetention()
      t.same(await batchesIn(world, queue), ['1 a=2', '4 b=2', '5 marker'])
    }
  )
}
