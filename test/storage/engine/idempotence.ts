import type { Test } from 'tap'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import { settled } from '../../support/fake-clock.ts'
import {
  appendOf,
  batchOf,
  contractTest,
  type OpenEngine,
  refusal,
  sequencedBatch,
  type World
} from './world.ts'

const lastSequence = 2 ** 31 - 1

/** What became of an append: 'base' or 'base again' for a duplicate, or the refusal's code. */
async function outcome(world: World, queue: number, batch: RecordBatch): Promise<string> {
  try {
    const { appends } = await world.engine.commit({ appends: [appendOf(queue, batch)] })
    return `${appends[0]!.baseOffset}${appends[0]!.duplicate ? ' again' : ''}`
  } catch (error) {
    return (error as { code: string }).code
  }
}

export function idempotenceTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'the last five batches of a producer are known again, older ones not',
    async (t, world) => {
      const queue = await world.queue()
      for (let round = 0; round < 3; round++) {
        const from = round * 14
        for (let i = 0; i < 7; i++) {
          t.equal(
            await outcome(world, queue, sequencedBatch(7, 0, from + i * 2, 2)),
            `${from + i * 2}`
          )
        }
        for (let i = 0; i < 7; i++) {
          const wanted = i < 2 ? 'sequence-out-of-order' : `${from + i * 2} again`
          t.equal(await outcome(world, queue, sequencedBatch(7, 0, from + i * 2, 2)), wanted)
        }
        t.equal(
          (await world.engine.ends(queue)).highWatermark,
          from + 14,
          'nothing was written again'
        )
        if (round === 0) await world.under.reopen()
        else await world.under.crash()
      }
      const all = await world.valuesOf(queue)
      t.same(
        all,
        all.map((_, i) => `${i}`)
      )
    }
  )

  contractTest(t, open, 'a duplicate is told its append time of then', async (t, world) => {
    const queue = await world.queue()
    const first = await world.commit({ appends: [appendOf(queue, sequencedBatch(7, 0, 0))] })
    await world.clock.advance(5000)
    const again = await world.commit({ appends: [appendOf(queue, sequencedBatch(7, 0, 0))] })
    t.same(again.appends[0], { ...first.appends[0], duplicate: true })
  })

  contractTest(
    t,
    open,
    'a duplicate has the same first and last sequence, not one of them',
    async (t, world) => {
      const queue = await world.queue()
      await world.append(queue, sequencedBatch(7, 0, 0, 3))
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 0, 2)), 'sequence-out-of-order')
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 1, 2)), 'sequence-out-of-order')
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 0, 3)), '0 again')
    }
  )

  contractTest(
    t,
    open,
    'a gap in the sequence is refused, and what follows on goes on',
    async (t, world) => {
      const queue = await world.queue()
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 0, 5)), '0')
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 6)), 'sequence-out-of-order')
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 4)), 'sequence-out-of-order')
      t.equal(await outcome(world, queue, sequencedBatch(7, 0, 5)), '5')
    }
  )

  contractTest(t, open, 'an unknown producer may start anywhere', async (t, world) => {
    const queue = await world.queue()
    t.equal(await outcome(world, queue, sequencedBatch(7, 3, 1000)), '0')
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, 5)), '1')
    t.equal(await outcome(world, queue, sequencedBatch(7, 3, 1001)), '2')
  })

  contractTest(t, open, 'an old epoch is refused, a new one starts at 0', async (t, world) => {
    const queue = await world.queue()
    t.equal(await outcome(world, queue, sequencedBatch(7, 1, 0)), '0')
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, 0)), 'producer-epoch-stale')
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, 1)), 'producer-epoch-stale')
    t.equal(await outcome(world, queue, sequencedBatch(7, 2, 1)), 'sequence-out-of-order')
    t.equal(await outcome(world, queue, sequencedBatch(7, 2, 0)), '1')
    t.equal(await outcome(world, queue, sequencedBatch(7, 2, 0)), '1 again', 'of the new epoch')
    t.equal(await outcome(world, queue, sequencedBatch(7, 1, 1)), 'producer-epoch-stale')
    await world.engine.settle()
    await world.under.crash()
    t.equal(await outcome(world, queue, sequencedBatch(7, 1, 1)), 'producer-epoch-stale')
    t.equal(await outcome(world, queue, sequencedBatch(7, 2, 1)), '2')
  })

  contractTest(t, open, 'sequences go on at 0 after 2^31 - 1', async (t, world) => {
    const queue = await world.queue()
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, lastSequence, 1)), '0')
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, 0, 1)), '1')
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, 1, 1)), '2')
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, lastSequence - 1, 4)), '3')
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, lastSequence - 1, 4)), '3 again')
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, 3, 1)), 'sequence-out-of-order')
    await world.engine.settle()
    await world.under.crash()
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, lastSequence - 1, 4)), '3 again')
    t.equal(await outcome(world, queue, sequencedBatch(8, 0, 2, 1)), '7')
  })

  contractTest(t, open, 'queues and producers are judged each on its own', async (t, world) => {
    const { queues } = await world.topic('t', 2)
    t.equal(await outcome(world, queues[0]!, sequencedBatch(7, 0, 0)), '0')
    t.equal(await outcome(world, queues[1]!, sequencedBatch(7, 0, 0)), '0')
    t.equal(await outcome(world, queues[0]!, sequencedBatch(8, 0, 0)), '1')
    t.equal(await outcome(world, queues[1]!, sequencedBatch(7, 0, 1)), '1')
  })

  contractTest(t, open, 'without a producer id nothing is a duplicate', async (t, world) => {
    const queue = await world.queue()
    const plain = () => batchOf(['same'], { producerId: -1, producerEpoch: 0, baseSequence: 0 })
    t.equal(await outcome(world, queue, plain()), '0')
    t.equal(await outcome(world, queue, plain()), '1')
  })

  contractTest(t, open, 'a duplicate of a batch in flight attaches to it', async (t, world) => {
    const queue = await world.queue()
    world.under.gate.hold()
    const outcomes: string[] = []
    const first = outcome(world, queue, sequencedBatch(7, 0, 0, 3))
    const again = outcome(world, queue, sequencedBatch(7, 0, 0, 3)).then((one) =>
      outcomes.push(one)
    )
    const next = outcome(world, queue, sequencedBatch(7, 0, 3))
    await settled()
    if (world.under.flushMode === 'sync')
      t.same(outcomes, [], 'it is not acknowledged before the other')
    world.under.gate.release()
    t.equal(await first, '0')
    t.equal(await next, '3')
    await again
    t.same(outcomes, ['0 again'])
    await world.engine.settle()
    t.same(await world.valuesOf(queue), ['0', '1', '2', '3'])
  })

  contractTest(
    t,
    open,
    'five in flight and all of them sent again are stored once, in order',
    async (t, world) => {
      const queue = await world.queue()
      const send = () =>
        Array.from({ length: 5 }, (_, i) => outcome(world, queue, sequencedBatch(7, 0, i)))
      const outcomes = await Promise.all([...send(), ...send()])
      t.same(outcomes.slice(0, 5), ['0', '1', '2', '3', '4'])
      t.same(outcomes.slice(5), ['0 again', '1 again', '2 again', '3 again', '4 again'])
      await world.engine.settle()
      t.equal((await world.recordsOf(queue)).length, 5)
    }
  )

  contractTest(t, open, 'a batch repeated within one commit is stored once', async (t, world) => {
    const queue = await world.queue()
    const commit = () => ({
      appends: [0, 0, 1].map((at) => appendOf(queue, sequencedBatch(7, 0, at)))
    })
    const ended = await world.engine.commit(commit()).then(
      ({ appends }) => appends.map(({ baseOffset, duplicate }) => `${baseOffset} ${duplicate}`),
      (error) => [error.code]
    )
    await world.engine.settle()
    const values = await world.valuesOf(queue)
    if (ended.length === 1) t.same([ended, values], [['sequence-out-of-order'], []])
    else
      t.same(
        [ended, values],
        [
          ['0 false', '0 true', '1 false'],
          ['0', '1']
        ]
      )
  })

  contractTest(
    t,
    open,
    'a commit refused for one batch stores none, and its producers are as before',
    async (t, world) => {
      const { queues } = await world.topic('t', 2)
      await world.append(queues[1]!, sequencedBatch(7, 0, 0))
      const error = await refusal(
        world.engine.commit({
          appends: [
            appendOf(queues[0]!, sequencedBatch(9, 0, 0)),
            appendOf(queues[1]!, sequencedBatch(7, 0, 2))
          ]
        })
      )
      t.equal(error.code, 'sequence-out-of-order')
      t.equal((await world.engine.ends(queues[0]!)).highWatermark, 0)
      t.equal(await outcome(world, queues[0]!, sequencedBatch(9, 0, 0)), '0')
      t.equal(await outcome(world, queues[1]!, sequencedBatch(7, 0, 1)), '1')
    }
  )

  contractTest(t, open, 'several batches of one append continue each other', async (t, world) => {
    const queue = await world.queue()
    const append = appendOf(queue, sequencedBatch(7, 0, 0, 2), sequencedBatch(7, 0, 2, 2))
    await world.commit({ appends: [append] })
    const gap = appendOf(queue, sequencedBatch(7, 0, 4), sequencedBatch(7, 0, 6))
    t.equal((await refusal(world.engine.commit({ appends: [gap] }))).code, 'sequence-out-of-order')
    t.equal((await world.engine.ends(queue)).highWatermark, 4)
    t.equal(await outcome(world, queue, sequencedBatch(7, 0, 2, 2)), '2 again')
  })
}
