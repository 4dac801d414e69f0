/** What every test of the engine contract starts from. */
import type { Test } from 'tap'
import { type BatchOptions, encodeBatch } from '../../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatches, storedBatch } from '../../../storage/batch/parse-batch.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import { type BatchRecord, records } from '../../../storage/batch/records.ts'
import type {
  Append,
  Commit,
  CommitResult,
  Engine,
  NewTopic,
  QueueData,
  QueueRead,
  QueueReadResult,
  QueueUid,
  ReadRequest,
  Topic
} from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { KeepPolicy } from '../../../storage/keep-policy.ts'
import type { CommittedOffsetRow } from '../../../storage/state/rows.ts'
import type { FakeClock } from '../../support/fake-clock.ts'
import type { SyncGate } from '../../support/gated-file-system.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'

/** An engine, and what a test may do to it from outside. */
export interface EngineUnderTest {
  /** The engine that is open now. */
  readonly engine: Engine
  readonly clock: FakeClock
  readonly gate: SyncGate
  /** What an acknowledgement means. */
  readonly flushMode: 'sync' | 'async'
  /** Closes the engine and opens it again. */
  reopen(): Promise<void>
  /** Ends it without a close, as hard as the disk under it allows, and opens it again. */
  crash(): Promise<void>
}

export type OpenEngine = (t: Test) => Promise<EngineUnderTest>

/** Policies as topics' settings say them; a system topic's records wait to be settled. */
export function keepPolicyOf({ config, system }: Topic): KeepPolicy {
  const limitOf = (text = '-1') => (text === '-1' ? Number.POSITIVE_INFINITY : Number(text))
  const lagMsMax = limitOf(config['max.compaction.lag.ms'])
  const compaction = {
    tombstoneMs: Number(config['delete.retention.ms'] ?? 86_400_000),
    lagMsMin: Number(config['min.compaction.lag.ms'] ?? 0),
    lagMsMax,
    sealMs: Math.min(limitOf(config['segment.ms']), lagMsMax),
    dirtyShareMin: Number(config['min.cleanable.dirty.ratio'] ?? 0.5)
  }
  const isCompacted = config['cleanup.policy']?.includes('compact') === true
  return {
    retentionMs: limitOf(config['retention.ms']),
    retentionBytes: limitOf(config['retention.bytes']),
    untilSettled: system,
    compaction: isCompacted ? compaction : undefined
  }
}

export class World {
  readonly under: EngineUnderTest
  readonly random: SeededRandom

  constructor(t: Test, under: EngineUnderTest) {
    this.under = under
    this.random = seededRandom(t)
  }

  get engine(): Engine {
    return this.under.engine
  }

  get clock(): FakeClock {
    return this.under.clock
  }

  /** Commits and, in async mode, waits until it is durable too. */
  async commit(commit: Commit): Promise<CommitResult> {
    const result = await this.engine.commit(commit)
    await this.engine.settle()
    return result
  }

  newTopic(name: string, queueCount = 1, more: Partial<NewTopic> = {}): NewTopic {
    const id = this.random.uuid().toString('hex')
    return { id, names: { kafka: name, rocketmq: name }, queueCount, ...more }
  }

  async topic(name: string, queueCount = 1, more: Partial<NewTopic> = {}): Promise<Topic> {
    const topic = this.newTopic(name, queueCount, more)
    const { topics } = await this.commit({ changes: [{ op: 'create-topic', topic }] })
    return topics[0]!
  }

  /** A new topic's only queue. */
  async queue(name = 'topic'): Promise<QueueUid> {
    return (await this.topic(name)).queues[0]!
  }

  /** Appends one batch and waits until it is durable; returns its base offset. */
  async append(queue: QueueUid, batch: RecordBatch): Promise<number> {
    const { appends } = await this.commit({ appends: [appendOf(queue, batch)] })
    return appends[0]!.baseOffset
  }

  async readOne(read: Partial<QueueRead> & { queue: QueueUid }): Promise<QueueData> {
    const one = { offset: 0, maxBytes: 1_000_000, ...read }
    const [result] = await this.read([one])
    return dataOf(result)
  }

  read(queues: readonly QueueRead[], more: Partial<ReadRequest> = {}) {
    return this.engine.read({ queues, maxBytes: 10_000_000, isolation: 'uncommitted', ...more })
  }

  /** Every record of the queue from `offset` on, as the engine gives them, read to the end. */
  async recordsOf(queue: QueueUid, offset = 0): Promise<BatchRecord[]> {
    const all: BatchRecord[] = []
    for (let at = offset; ; ) {
      const data = await this.readOne({ queue, offset: at })
      if (data.bytes === 0) return all
      for (const batch of batchesOf(data)) all.push(...(await records(batch)))
      at = data.nextOffset
    }
  }

  async valuesOf(queue: QueueUid, offset = 0): Promise<string[]> {
    return (await this.recordsOf(queue, offset)).map(({ value }) => `${value}`)
  }
}

export function appendOf(queue: QueueUid, ...batches: RecordBatch[]): Append {
  return { queue, batches, origin: 'kafka' }
}

/** A batch of one record for each value. */
export function batchOf(values: readonly string[], options: BatchOptions = {}): RecordBatch {
  const news = values.map((value, i) => ({ timestamp: 1000 + i, value: Buffer.from(value) }))
  return encodeBatch(news, options)
}

/** A batch of records with these timestamps. */
export function batchAt(...timestamps: number[]): RecordBatch {
  return encodeBatch(timestamps.map((timestamp) => ({ timestamp, value: Buffer.from('v') })))
}

/** A batch of an idempotent producer; its records are numbered by their sequence. */
export function sequencedBatch(
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
  count = 1
): RecordBatch {
  const values = Array.from({ length: count }, (_, i) => `${(baseSequence + i) % 2 ** 31}`)
  return batchOf(values, { producerId, producerEpoch, baseSequence })
}

export function batchesOf(data: QueueData): readonly RecordBatch[] {
  const batches = parseBatches(Buffer.concat(data.buffers), { ...storedBatch, records: true })
  if (isBatchFault(batches)) throw new Error(`read gave no batches: ${batches.text}`)
  return batches
}

export function dataOf(result: QueueReadResult | undefined): QueueData {
  if (result === undefined || result instanceof StoreError) throw result ?? new Error('no answer')
  return result
}

export function committedOffset(
  group: string,
  topicId: string,
  offset: number,
  queue = 0
): CommittedOffsetRow {
  return { group, topicId, queue, offset, leaderEpoch: -1, metadata: '', commitTimeMs: 5 }
}

/** The error a call ended with; fails loudly if it did not. */
export async function refusal(call: Promise<unknown>): Promise<StoreError> {
  try {
    await call
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('the call was not refused')
}

/** Declares one test with an engine of its own. */
export function contractTest(
  t: Test,
  open: OpenEngine,
  name: string,
  run: (t: Test, world: World) => Promise<void>
): void {
  t.test(name, async (t) => {
    await run(t, new World(t, await open(t)))
  })
}
