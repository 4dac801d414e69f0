/**
 * Makes up, while the log is replayed, for state that neither a snapshot nor what is left of the log has: topics are
 * made from their descriptions, timers are settled by the runs that settle them, and in the end what contradicts the
 * records that are there is brought into line with them.
 */
import type { Catalog } from '../catalog.ts'
import type { QueueUid, Topic, TopicId, TopicNames } from '../contract.ts'
import type { Description, LoggedChange, RunHeader } from '../layout/types.ts'
import { loadRow } from '../replay.ts'
import { keyOf, type StateRow, stateKeys } from '../state/rows.ts'

/** What is chosen for a topic of which only the description is left. */
export type LostSettings = Pick<Topic, 'config' | 'system'>

export interface LostStateParts {
  readonly catalog: Catalog
  /** No state is known but what the log has. */
  readonly isAll: boolean
  /** Topics that were deleted, wherever in the log it says so. */
  readonly dropped: ReadonlySet<TopicId>
  readonly settingsOf: (names: TopicNames) => LostSettings
}

/** What the records that are left say. */
export interface Leftovers {
  /** Where queues begin, for those that have any. */
  readonly starts: ReadonlyMap<QueueUid, number>
  readonly queueUidMax: QueueUid
  readonly producerIdMax: number
}

export class LostState {
  readonly isAll: boolean
  readonly #parts: LostStateParts
  readonly #made = new Map<TopicId, string>()

  constructor(parts: LostStateParts) {
    this.isAll = parts.isAll
    this.#parts = parts
  }

  /** Topics of clients that have nothing but their names and queues, by Kafka's names. */
  get topicsMade(): string[] {
    return [...this.#made.values()].sort()
  }

  /** Whether a change is not to be applied: the live set is known. */
  takes(change: LoggedChange): boolean {
    if (change.op === 'delete') return change.key.family === 'segment'
    if (change.op === 'drop-topic') this.#made.delete(change.topicId)
    if (change.op !== 'put') return false
    const { entry } = change
    if (entry.family === 'topic') {
      this.#freeNames(entry.row.names, entry.row.id)
      this.#made.delete(entry.row.id)
    }
    return entry.family === 'segment'
  }

  /** A topic's description stands before its runs: the topic was there, whether its row is left or not. */
  describe(description: Description, appendTimeMs = 0): void {
    const { catalog, dropped, settingsOf } = this.#parts
    const { topicId: id, queues } = description
    const known = catalog.topics.find({ id })
    if (dropped.has(id) || (known?.queues.length ?? 0) >= queues.length) return
    const names = { kafka: description.kafkaName, rocketmq: description.rocketmqName }
    this.#freeNames(names, id)
    const count = queues.length
    const createdMs = Number.isFinite(appendTimeMs) ? appendTimeMs : 0
    const lost = { names, perm: 6, messageType: 'NORMAL', createdMs } as const
    const row: Topic = {
      ...(known ?? { ...lost, ...settingsOf(names) }),
      id,
      queues,
      readQueues: count,
      writeQueues: count
    }
    if (known === undefined && !row.system) this.#made.set(id, names.kafka)
    loadRow(catalog, { family: 'topic', row }, true)
    for (const uid of queues) this.#takeUp(uid)
  }

  /** A copy of a record that waited says that it waits no longer. */
  noteRun({ resolves }: RunHeader): void {
    const { state } = this.#parts.catalog
    for (const { queue, offset } of resolves) state.unload(stateKeys.timer(queue, offset))
  }

  /** All has been replayed. `isStateLost`: offsets may have been committed behind records that are lost. */
  finish(left: Leftovers, isStateLost: boolean): void {
    const { catalog } = this.#parts
    const { counters } = catalog
    catalog.counters = {
      ...counters,
      nextQueueUid: Math.max(counters.nextQueueUid, left.queueUidMax + 1),
      nextProducerId: Math.max(counters.nextProducerId, left.producerIdMax + 1)
    }
    if (this.isAll) this.#begin(left.starts)
    if (!isStateLost) return
    this.#dropOrphans()
    this.#moveCommitsBack()
  }

  /** Of two topics with one name the older was deleted. */
  #freeNames({ kafka: kafkaName, rocketmq: rocketmqName }: TopicNames, id: TopicId): void {
    const { catalog } = this.#parts
    for (const by of [{ kafkaName }, { rocketmqName }]) {
      const holder = catalog.topics.find(by)
      if (holder === undefined || holder.id === id) continue
      catalog.dropTopic(holder.id)
      this.#made.delete(holder.id)
    }
  }

  /** Rows of a queue may stand before the description that makes it known. */
  #takeUp(queue: QueueUid): void {
    const { catalog } = this.#parts
    const start = catalog.state.get(stateKeys.logStart(queue))
    if (start !== undefined) catalog.noteRow({ family: 'log-start', row: start.row })
    const epochs = catalog.state.get(stateKeys.queueEpochs(queue))
    if (epochs !== undefined) catalog.noteRow({ family: 'queue-epochs', row: epochs.row })
  }

  /** Queues begin with the first record that is there, and end no earlier than they begin. */
  #begin(starts: ReadonlyMap<QueueUid, number>): void {
    const { catalog } = this.#parts
    for (const queue of catalog.queues.values()) {
      const offset = starts.get(queue.uid) ?? 0
      if (offset > queue.logStart) {
        const entry: StateRow = { family: 'log-start', row: { queue: queue.uid, offset } }
        catalog.state.load(entry, true)
        catalog.noteRow(entry)
      }
      queue.sealedEnd = Math.max(queue.sealedEnd, queue.logStart)
      catalog.dirtyQueues.add(queue)
    }
  }

  /** Rows of topics that nothing tells of any more. */
  #dropOrphans(): void {
    const { state, topics, queues } = this.#parts.catalog
    for (const entry of [...state.all()]) {
      const isOrphan =
        entry.family === 'committed-offset'
          ? topics.find({ id: entry.row.topicId }) === undefined
          : (entry.family === 'log-start' || entry.family === 'queue-epochs') &&
            !queues.has(entry.row.queue)
      if (isOrphan) state.unload(keyOf(entry))
    }
  }

  /** The offsets behind the end are given again: nobody must skip what gets them. */
  #moveCommitsBack(): void {
    const { state, topics, queues } = this.#parts.catalog
    for (const row of state.scan('committed-offset')) {
      const uid = topics.find({ id: row.topicId })?.queues[row.queue]
      const end = uid === undefined ? undefined : queues.get(uid)?.sealedEnd
      if (end === undefined || row.offset <= end) continue
      state.load({ family: 'committed-offset', row: { ...row, offset: end } }, true)
    }
  }
}
