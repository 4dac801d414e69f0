/** Clients of a run. Each works until it has done its share or the store takes no more. */
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import type {
  Append,
  Change,
  Commit,
  Condition,
  Engine,
  QueueUid
} from '../../../storage/contract.ts'
import { StoreError, type StoreErrorCode } from '../../../storage/errors.ts'
import type { Clock } from '../../../storage/ports.ts'
import { stateKeys } from '../../../storage/state/rows.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { History, Sent, SentAppend } from './history.ts'
import { readQueue } from './queue-content.ts'
import { Violation } from './violation.ts'

export interface Stage {
  readonly engine: Engine
  readonly clock: Clock
  readonly random: SeededRandom
  readonly history: History
  /** In how many steps each actor does its share. */
  readonly steps: number
}

/** Makes ids and settings that no other commit has. */
export class Numbers {
  #next = 0
  next(): number {
    return this.#next++
  }
}

/** Appends to one or two queues with a setting that says where; some in flight at once. */
export async function write(stage: Stage, numbers: Numbers): Promise<void> {
  const { engine, random, history } = stage
  for (let step = 0; step < stage.steps; step++) {
    const some = Array.from({ length: random.between(1, 6) }, () => newWrite(stage, numbers))
    const outcomes = await Promise.all(
      some.map(({ sent, commit }) => commitSent(stage, sent, commit))
    )
    const done = some.filter((_, index) => outcomes[index] === 'done').map(({ sent }) => sent)
    if (!(await settleDurable(engine, history, done, random.chance(0.5)))) return
    if (done.length < some.length) return
  }
}

function newWrite({ random, history }: Stage, numbers: Numbers): { sent: Sent; commit: Commit } {
  const name = `w${numbers.next()}`
  const first = random.pick(history.queues)
  const queues = random.chance(0.3) ? [first, random.pick(history.queues)] : [first]
  const appends: SentAppend[] = queues.map((queue, at) => ({
    queue,
    ids: Array.from({ length: random.between(1, 4) }, (_, i) => `${name}.${at}.${i}`),
    isStamped: random.chance(0.2),
    baseOffset: undefined
  }))
  const sent = history.begin({ appends, setting: name, fate: 'sent' })
  const changes = [settingOf(name)]
  return { sent, commit: { appends: appends.map((one) => appendOf(one, random)), changes } }
}

/** An idempotent producer as clients have them: five batches in flight, sent again until acknowledged. */
export class Producer {
  readonly #queue: QueueUid
  #id = -1
  #epoch = 0
  #sequence = 0
  #unacknowledged: { sent: Sent; sequence: number }[] = []

  constructor(queue: QueueUid) {
    this.#queue = queue
  }

  async produce(stage: Stage): Promise<void> {
    const { engine, random, history } = stage
    if (this.#id < 0 && !(await this.#reserve(stage))) return
    for (let step = 0; step < stage.steps; step++) {
      while (this.#unacknowledged.length < random.between(1, 5)) {
        this.#unacknowledged.push(this.#next(random))
      }
      const sending = [...this.#unacknowledged]
      const outcomes = await Promise.all(
        sending.map(({ sent, sequence }) => {
          history.begin(sent)
          const options = {
            producerId: this.#id,
            producerEpoch: this.#epoch,
            baseSequence: sequence
          }
          const append = appendOf(sent.appends[0]!, random, options)
          return commitSent(stage, sent, {
            appends: [append],
            changes: [settingOf(sent.setting)]
          })
        })
      )
      const failed = outcomes.findIndex((outcome) => outcome !== 'done')
      const why = outcomes[failed]
      if (why === 'sequence-out-of-order' || why === 'producer-epoch-stale') {
        const { sequence } = sending[failed]!
        throw new Violation(
          `producer ${this.#id}: sequence ${sequence} is due and refused as ${why}`
        )
      }
      const done = sending.slice(0, failed < 0 ? sending.length : failed).map(({ sent }) => sent)
      if (!(await settleDurable(engine, history, done, true))) return
      this.#unacknowledged = sending.slice(done.length)
      if (failed >= 0) return
    }
  }

  #next(random: SeededRandom): { sent: Sent; sequence: number } {
    const sequence = this.#sequence
    const ids = Array.from(
      { length: random.between(1, 3) },
      (_, i) => `p${this.#id}.${sequence + i}`
    )
    this.#sequence += ids.length
    const appends = [{ queue: this.#queue, ids, baseOffset: undefined }]
    return { sent: { appends, setting: ids[0]!, fate: 'sent' }, sequence }
  }

  async #reserve({ engine, history }: Stage): Promise<boolean> {
    try {
      const result = await engine.commit({ changes: [{ op: 'reserve-producer-ids', count: 1 }] })
      await engine.settle()
      this.#id = result.producerIds[0]!
      history.producerId(this.#id)
      return true
    } catch (error) {
      rethrowUnlessRefused(error)
      return false
    }
  }
}

/** Reads a queue to its end, again and again, and commits how far it came. */
export async function consume(stage: Stage, queue: QueueUid): Promise<void> {
  const { engine, random, history } = stage
  let next = 0
  try {
    const topic = await engine.findTopic({ queue }, { settled: true })
    if (!topic) throw new Error('the queue has no topic')
    for (let step = 0; step < stage.steps; step++) {
      const content = await readQueue(engine, queue, next)
      history.saw(queue, content.highWatermark, content.ids)
      next = content.highWatermark
      const row = {
        group: 'group',
        topicId: topic.id,
        queue: topic.queues.indexOf(queue),
        offset: next,
        leaderEpoch: -1,
        metadata: '',
        commitTimeMs: 0
      }
      await engine.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
      await engine.settle()
      history.committedOffset(queue, next)
      if (random.chance(0.3))
        history.saw(queue, (await engine.ends(queue)).highWatermark, new Map())
    }
  } catch (error) {
    rethrowUnlessRefused(error)
  }
}

/** Raises a counter by one on condition that nobody else did meanwhile, as several do at the same time. */
export async function count(stage: Stage): Promise<void> {
  const { engine, history } = stage
  const key = stateKeys.setting('counter')
  try {
    for (let step = 0; step < stage.steps; step++) {
      const found = await engine.readState(key, { settled: true })
      const value = Number(found?.row.value ?? 0) + 1
      const condition: Condition = found
        ? { is: 'version', key, version: found.version }
        : { is: 'absent', key }
      const row = { family: 'setting', row: { name: 'counter', value: `${value}` } } as const
      try {
        await engine.commit({ changes: [{ op: 'put', row }], conditions: [condition] })
      } catch (error) {
        if ((error as StoreError).code === 'condition-failed') continue
        throw error
      }
      await engine.settle()
      history.counted(value)
    }
  } catch (error) {
    rethrowUnlessRefused(error)
  }
}

/** Makes a topic, fills it a little and deletes it again, over and over: segments then hold dead runs. */
export async function churn(stage: Stage, numbers: Numbers): Promise<void> {
  const { engine, random } = stage
  try {
    for (let step = 0; step < stage.steps; step++) {
      const name = `t${numbers.next()}`
      const id = random.uuid().toString('hex')
      const topic = { id, names: { kafka: name, rocketmq: name }, queueCount: random.between(1, 3) }
      const { topics } = await engine.commit({ changes: [{ op: 'create-topic', topic }] })
      const queue = topics[0]!.queues[0]!
      await engine.commit({
        appends: [appendOf({ queue, ids: [name], baseOffset: undefined }, random)]
      })
      await engine.commit({ changes: [{ op: 'delete-topic', id }] })
    }
  } catch (error) {
    rethrowUnlessRefused(error)
  }
}

async function commitSent(
  { engine, history, clock }: Stage,
  sent: Sent,
  commit: Commit
): Promise<'done' | StoreErrorCode> {
  sent.bytes = bytesOf(commit)
  try {
    history.acknowledged(sent, await engine.commit(commit))
    sent.acknowledgedMs = clock.monotonicMs()
    return 'done'
  } catch (error) {
    return history.failed(sent, error)
  }
}

function bytesOf({ appends = [] }: Commit): number {
  let bytes = 0
  for (const append of appends)
    if ('batches' in append) for (const batch of append.batches) bytes += batch.bytes.length
  return bytes
}

/** What was acknowledged is durable in sync mode, and in async mode once it is settled. False: the store failed. */
async function settleDurable(
  engine: Engine,
  history: History,
  done: readonly Sent[],
  settle: boolean
): Promise<boolean> {
  if (!settle) return true
  try {
    await engine.settle()
    history.durable(...done)
    return true
  } catch (error) {
    rethrowUnlessRefused(error)
    return false
  }
}

/** A refusal ends an actor's work; a Violation, or a bug in test or store, is another matter. */
function rethrowUnlessRefused(error: unknown): void {
  if (!(error instanceof StoreError)) throw error
}

function settingOf(name: string): Change {
  return {
    op: 'put',
    row: (bound) => ({
      family: 'setting',
      row: { name, value: `${bound.appends[0]!.baseOffset}` }
    })
  }
}

function appendOf(sent: SentAppend, random: SeededRandom, options = {}): Append {
  const codec = random.pick(['none', 'none', 'none', 'lz4'] as const)
  const news = sent.ids.map((id) => ({
    timestamp: random.integer(100_000),
    value: Buffer.from(`${id}:${'x'.repeat(random.chance(0.1) ? random.integer(6000) : 20)}`)
  }))
  const batches = [encodeBatch(news, { codec, ...options })]
  const stampAppendTime = sent.isStamped === true
  return { queue: sent.queue, batches, origin: 'kafka', stampAppendTime }
}
