import fc from 'fast-check'
import type { StoredRow } from '../../../storage/state/stored-rows.ts'

/** Objects as code makes them, prototype and all. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true })

/** Well-formed strings, with zero bytes and letters of every UTF-8 length in them. */
export const text = fc.string({
  unit: fc.constantFrom('\0', '\u0001', 'a', 'z', '7', 'é', '語', '😀', '\uffff'),
  maxLength: 12
})
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const count = fc.oneof(fc.nat(300), fc.maxSafeNat())
const signed = fc.oneof(fc.integer({ min: -70, max: 70 }), fc.maxSafeInteger())
const map = fc
  .array(fc.tuple(text, text), { maxLength: 3 })
  .map((pairs) => Object.fromEntries(pairs))
const names = record({ kafka: text, rocketmq: text })

/** Rows of every family with any values their types allow. */
export const storedRow: fc.Arbitrary<StoredRow> = fc.oneof(
  record({
    family: fc.constant('committed-offset' as const),
    row: record({
      group: text,
      topicId: id,
      queue: count,
      offset: signed,
      leaderEpoch: signed,
      metadata: text,
      commitTimeMs: signed
    })
  }),
  record({
    family: fc.constant('group' as const),
    row: record({ names, protocolType: text, emptySinceMs: signed, settings: map })
  }),
  record({
    family: fc.constant('log-start' as const),
    row: record({ queue: count, offset: count })
  }),
  record({
    family: fc.constant('queue-epochs' as const),
    row: record({
      queue: count,
      epochs: fc.array(record({ epoch: count, startOffset: count }), { maxLength: 5 })
    })
  }),
  record({
    family: fc.constant('setting' as const),
    row: record({ name: text, value: text })
  }),
  record({
    family: fc.constant('topic' as const),
    row: record({
      id,
      names,
      queues: fc.array(count, { maxLength: 5 }),
      config: map,
      perm: fc.constantFrom(0 as const, 2 as const, 4 as const, 6 as const),
      messageType: text,
      readQueues: count,
      writeQueues: count,
      system: fc.boolean(),
      createdMs: signed
    })
  }),
  record({
    family: fc.constant('queue' as const),
    row: record({
      queue: count,
      topicId: id,
      index: count,
      nextOffset: count,
      maxTimestamp: signed
    })
  }),
  record({
    family: fc.constant('segment' as const),
    row: record({ id: count, firstSequence: count, lastSequence: signed, dataBytes: signed })
  }),
  record({
    family: fc.constant('producer' as const),
    row: record({
      queue: count,
      producerId: count,
      epoch: signed,
      batches: fc.array(
        record({
          firstSequence: signed,
          lastSequence: signed,
          baseOffset: count,
          appendTimeMs: signed
        }),
        { maxLength: 5 }
      )
    })
  }),
  record({
    family: fc.constant('counters' as const),
    row: record({ nextQueueUid: count, nextSegmentId: count, nextProducerId: count })
  })
)
