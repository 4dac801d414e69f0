import t from 'tap'
import type { RecordBatch } from '../../storage/batch/record-batch.ts'
import { lastSequenceOf, Producers } from '../../storage/producers.ts'

function batch(baseSequence: number, count = 1, epoch = 0, producerId = 7): RecordBatch {
  return {
    bytes: Buffer.alloc(0),
    attributes: 0,
    lastOffsetDelta: count - 1,
    recordCount: count,
    baseTimestamp: 0,
    maxTimestamp: 0,
    producerId,
    producerEpoch: epoch,
    baseSequence
  }
}

function remembering(...batches: RecordBatch[]): Producers {
  const producers = new Producers()
  let offset = 100
  for (const one of batches) {
    producers.remember(one, offset, 1000 + offset)
    offset += one.recordCount
  }
  return producers
}

t.test('an unknown producer may begin with any sequence', (t) => {
  t.equal(new Producers().judge(batch(41)), undefined)
  t.end()
})

t.test(
  'each of the last five batches is known again, with its own offset; an older one is not',
  (t) => {
    const sent = [0, 3, 6, 9, 12, 15].map((sequence) => batch(sequence, 3))
    const producers = remembering(...sent)
    for (const [i, one] of sent.entries())
      if (i > 0) t.equal(producers.judge(one)?.baseOffset, 100 + i * 3)
    t.throws(() => producers.judge(sent[0] as RecordBatch), { code: 'sequence-out-of-order' })
    t.equal(producers.judge(batch(18)), undefined, 'the next one is taken')
    t.end()
  }
)

t.test('a batch with the same start and another end is no repetition', (t) => {
  const producers = remembering(batch(0, 3))
  t.throws(() => producers.judge(batch(0, 2)), { code: 'sequence-out-of-order' })
  t.end()
})

t.test('gaps are refused, in both directions', (t) => {
  const producers = remembering(batch(0, 3))
  t.throws(() => producers.judge(batch(4)), { code: 'sequence-out-of-order' })
  t.throws(() => producers.judge(batch(2)), { code: 'sequence-out-of-order' })
  t.end()
})

t.test('an older epoch is stale, a newer one begins at sequence 0', (t) => {
  const producers = remembering(batch(0, 3, 4))
  t.throws(() => producers.judge(batch(3, 1, 3)), { code: 'producer-epoch-stale' })
  t.throws(() => producers.judge(batch(3, 1, 5)), { code: 'sequence-out-of-order' })
  t.equal(producers.judge(batch(0, 1, 5)), undefined)
  producers.remember(batch(0, 1, 5), 200, 0)
  t.equal(producers.judge(batch(1, 1, 5)), undefined)
  t.throws(() => producers.judge(batch(3, 1, 4)), { code: 'producer-epoch-stale' })
  t.end()
})

t.test('sequences wrap from 2^31 - 1 to 0', (t) => {
  const last = 2 ** 31 - 1
  t.equal(lastSequenceOf(last - 1, 2), 0)
  const producers = remembering(batch(last - 1, 2))
  t.equal(producers.judge(batch(0)), undefined)
  const across = remembering(batch(last, 3))
  t.equal(across.judge(batch(2)), undefined)
  t.throws(() => across.judge(batch(1)), { code: 'sequence-out-of-order' })
  t.end()
})

t.test('silent producers are forgotten, and the longest silent above a number', (t) => {
  const producers = new Producers()
  for (let id = 0; id < 10; id++) producers.remember(batch(0, 1, 0, id), 0, id * 100)
  t.strictSame(producers.expire(300, 100), [0, 1, 2])
  t.strictSame(producers.expire(0, 5).sort(), [3, 4])
  t.equal(producers.size, 5)
  t.equal(producers.judge(batch(77, 1, 0, 3)), undefined, 'unknown again')
  t.throws(() => producers.judge(batch(77, 1, 0, 9)), { code: 'sequence-out-of-order' })
  t.end()
})
