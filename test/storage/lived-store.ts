/**
 * A store that has lived: topics were made and deleted, log starts moved, segments deleted, cleaned and compacted. It
 * is known what can be read of it, and which records the files that are left hold, as bytes, without asking the store.
 */
import { encodeBatch } from '../../storage/batch/encode-batch.ts'
import type { QueueUid } from '../../storage/contract.ts'
import type { Store } from '../../storage/store.ts'
import type { IndexCopies } from '../support/index-copies.ts'
import { type BackupLife, offsetsOf, valueAt } from './backup-life.ts'
import { bytesOf } from './damage.ts'
import { appendOf, committedOffset } from './engine/world.ts'

const names = ['plain', 'wide', 'compacted', 'short'] as const
const queueCounts = { plain: 1, wide: 3, compacted: 1, short: 2 } as const
const keys = ['a', 'b', 'c', 'd', 'e'] as const
const groups = ['g', 'h'] as const

export interface Named {
  readonly topic: string
  readonly queue: number
}

export class LivedStore {
  readonly #life: BackupLife
  /** Of each queue as it is now. */
  readonly #next = new Map<QueueUid, number>()
  /** What any group has committed, by topic and queue, of topics that had the name before, too. */
  readonly committed = new Map<string, Set<number>>()
  /** Before the damage: what could be read, by topic and queue. */
  readable = new Map<string, readonly number[]>()
  uids = new Map<string, QueueUid>()
  index: IndexCopies | undefined

  constructor(life: BackupLife) {
    this.#life = life
  }

  async live(steps: number): Promise<void> {
    const { random, clock } = this.#life
    const opened = await this.#life.open('/data')
    let { store } = opened
    this.index = opened.index
    for (const name of names) await this.#make(store, name)
    for (let step = 0; step < steps; step++) {
      const what = random.integer(100)
      if (what < 80) await this.#append(store)
      else if (what < 86) await this.#commit(store)
      else if (what < 90) await this.#trim(store)
      else if (what < 95) await store.enforceRetention()
      else if (what < 97) await this.#remake(store)
      else if (what < 99) await clock.advance(random.integer(100))
      else {
        await store.close()
        store = (await this.#life.open('/data', this.index)).store
      }
    }
    const seen = await readAll(store)
    this.readable = seen.readable
    this.uids = seen.uids
    await store.close()
  }

  async #make(store: Store, name: (typeof names)[number]): Promise<void> {
    const id = this.#life.random.uuid().toString('hex')
    const config: Record<string, string> =
      name === 'compacted'
        ? { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', 'segment.ms': '50' }
        : {}
    const its = { names: { kafka: name, rocketmq: name }, queueCount: queueCounts[name], config }
    await store.commit({ changes: [{ op: 'create-topic', topic: { id, ...its } }] })
  }

  async #remake(store: Store): Promise<void> {
    const topic = await store.findTopic({ kafkaName: 'short' })
    if (topic !== undefined) await store.commit({ changes: [{ op: 'delete-topic', id: topic.id }] })
    await this.#make(store, 'short')
  }

  async #pick(store: Store) {
    const { random } = this.#life
    const topic = random.pick(await store.topics())
    const index = random.integer(topic.queues.length)
    return { topic, index, queue: topic.queues[index] as QueueUid }
  }

  async #append(store: Store): Promise<void> {
    const { random } = this.#life
    const { queue } = await this.#pick(store)
    const offset = this.#next.get(queue) ?? 0
    const value = Buffer.from(valueAt(queue, offset))
    const batch = encodeBatch([{ timestamp: 1000, key: Buffer.from(random.pick(keys)), value }])
    await store.commit({ appends: [appendOf(queue, batch)] })
    this.#next.set(queue, offset + 1)
  }

  async #commit(store: Store): Promise<void> {
    const { topic, index, queue } = await this.#pick(store)
    const offset = this.#next.get(queue) ?? 0
    const group = this.#life.random.pick(groups)
    const row = committedOffset(group, topic.id, offset, index)
    await store.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
    const key = `${topic.names.kafka} ${index}`
    this.committed.set(key, (this.committed.get(key) ?? new Set()).add(offset))
  }

  async #trim(store: Store): Promise<void> {
    const { queue } = await this.#pick(store)
    const offset = this.#life.random.integer((this.#next.get(queue) ?? 0) + 1)
    await store.commit({ changes: [{ op: 'move-log-start', queue, offset }] })
  }
}

/** What can be read, by topic and queue, and where queues begin and end. */
export async function readAll(store: Store) {
  const readable = new Map<string, readonly number[]>()
  const uids = new Map<string, QueueUid>()
  const ends = new Map<string, { start: number; end: number }>()
  for (const topic of await store.topics())
    for (const [index, queue] of topic.queues.entries()) {
      const key = `${topic.names.kafka} ${index}`
      readable.set(key, await offsetsOf(store, queue))
      uids.set(key, queue)
      const { logStartOffset: start, highWatermark: end } = await store.ends(queue)
      ends.set(key, { start, end })
    }
  return { readable, uids, ends }
}

/** The records that the segments' files hold, as `uid:offset`, whether anything leads to them or not. */
export async function recordsInFiles(life: BackupLife): Promise<Set<string>> {
  const found = new Set<string>()
  for (const name of await life.disk.list('/data/log')) {
    const text = (await bytesOf(life, `/data/log/${name}`)).toString('latin1')
    // The length of a value is what stands before it.
    for (const [, uid, offset] of text.matchAll(/>(\d+):(\d+):xxxx/g)) found.add(`${uid}:${offset}`)
  }
  return found
}
