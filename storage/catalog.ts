/** All that a store knows in memory: topics and queues as sealed and as durable, state rows, counters. */
import type { QueueUid } from './contract.ts'
import { Queue } from './queue.ts'
import type { SealedGroup, TopicChange } from './sealed-group.ts'
import { type StateRow, stateKeys } from './state/rows.ts'
import { StateTable } from './state/state-table.ts'
import {
  type CountersRow,
  engineKeys,
  type SegmentRow,
  type StoredKey
} from './state/stored-rows.ts'
import { TopicTable } from './state/topic-table.ts'

export class Catalog {
  readonly sealedTopics = new TopicTable()
  readonly topics = new TopicTable()
  readonly sealedQueues = new Map<QueueUid, Queue>()
  readonly queues = new Map<QueueUid, Queue>()
  readonly state = new StateTable()
  counters: CountersRow = { nextQueueUid: 1, nextSegmentId: 1, nextProducerId: 0 }
  /** Topics put or dropped since the last checkpoint. */
  readonly dirtyTopics = new Set<string>()
  /** Queues of dropped topics since the last checkpoint: their rows and index go too. */
  readonly droppedQueues = new Map<QueueUid, Queue>()
  readonly dirtyQueues = new Set<Queue>()
  /** The live segments, in no special order. */
  readonly segments = new Map<number, SegmentRow>()
  readonly dirtySegments = new Set<number>()
  /** Counts what lets records die: moves of log starts, deleted queues. */
  deaths = 0

  /** What was read at open is all durable. `sequence`: of the last group in the log. */
  begin(sequence: number): void {
    for (const queue of this.queues.values()) {
      queue.highWatermark = queue.sealedEnd
      queue.durableMaxTimestamp = queue.maxTimestamp
    }
    this.state.begin(sequence)
  }

  /** Whether a record can still be read: its queue is there, and its log start not behind it. */
  isThere(queue: QueueUid, offset: number): boolean {
    return offset >= (this.queues.get(queue)?.logStart ?? Number.POSITIVE_INFINITY)
  }

  /** Whether any of these records can be read, or has a pending timer that needs it. */
  isNeeded(queue: QueueUid, firstOffset: number, nextOffset: number): boolean {
    if (!this.queues.has(queue)) return false
    if (this.isThere(queue, nextOffset - 1)) return true
    return this.state.timers.needs(queue, firstOffset, nextOffset)
  }

  putSegment(row: SegmentRow): void {
    this.segments.set(row.id, row)
    this.dirtySegments.add(row.id)
  }

  /** Makes the queues of a topic that do not exist yet, in the sealed view. */
  makeQueues(topic: { readonly id: string; readonly queues: readonly QueueUid[] }): Queue[] {
    const made: Queue[] = []
    topic.queues.forEach((uid, index) => {
      if (this.sealedQueues.has(uid)) return
      const queue = new Queue(uid, topic.id, index)
      this.sealedQueues.set(uid, queue)
      made.push(queue)
    })
    return made
  }

  /** A segment left the live set. */
  dropSegment(id: number): void {
    this.segments.delete(id)
    this.dirtySegments.add(id)
  }

  /** A group became durable: its changes become what readers see. Runs are the caller's. */
  applyDurable(group: SealedGroup): void {
    for (const change of group.topicChanges) this.#applyTopic(change)
    for (const row of group.addedSegments) this.putSegment(row)
    for (const id of group.droppedSegments) this.dropSegment(id)
    if (group.stateChanges.length === 0) return
    this.state.applyDurable(group.sequence, group.stateChanges)
    for (const { entry } of group.stateChanges) if (entry !== undefined) this.noteRow(entry)
  }

  #applyTopic(change: TopicChange): void {
    this.dirtyTopics.add(change.topic.id)
    if (change.op === 'put') {
      this.topics.put(change.topic)
      for (const queue of change.created) this.queues.set(queue.uid, queue)
      return
    }
    this.topics.delete(change.topic.id)
    for (const uid of change.queues) this.dropQueue(uid)
  }

  /** Forgets a durable queue and lets its waiters go. */
  dropQueue(uid: QueueUid): void {
    const queue = this.queues.get(uid)
    if (queue === undefined) return
    this.queues.delete(uid)
    this.dirtyQueues.delete(queue)
    this.droppedQueues.set(uid, queue)
    queue.gone = true
    this.deaths++
    queue.tail.clear()
    queue.runs.dropFirst(queue.runs.length)
    for (const waiter of [...queue.waiters]) waiter.finish('changed')
  }

  /** Takes up what a row says of a queue. */
  noteRow(entry: StateRow): void {
    if (entry.family === 'log-start') {
      const queue = this.queues.get(entry.row.queue)
      if (queue === undefined || entry.row.offset <= queue.logStart) return
      queue.logStart = entry.row.offset
      this.deaths++
      queue.sealedLogStart = Math.max(queue.sealedLogStart, queue.logStart)
      for (const waiter of [...queue.waiters]) waiter.noteLogStart(queue)
    } else if (entry.family === 'queue-epochs') {
      const queue = this.queues.get(entry.row.queue)
      if (queue !== undefined) queue.epochs = entry.row.epochs
    }
  }

  /** Drops a topic at open: both views at once, with all rows keyed by it. */
  dropTopic(id: string): void {
    const topic = this.topics.delete(id)
    this.sealedTopics.delete(id)
    if (topic === undefined) return
    this.dirtyTopics.add(id)
    for (const key of this.state.keysOfTopic(id)) this.state.unload(key)
    for (const uid of topic.queues) {
      this.state.unload(stateKeys.logStart(uid))
      this.state.unload(stateKeys.queueEpochs(uid))
      this.sealedQueues.delete(uid)
      this.dropQueue(uid)
    }
  }

  /** Keys of engine rows that went with dropped queues. */
  droppedKeys(): StoredKey[] {
    const keys: StoredKey[] = []
    for (const queue of this.droppedQueues.values()) {
      keys.push(engineKeys.queue(queue.uid))
      for (const one of queue.producers.all())
        keys.push(engineKeys.producer(queue.uid, one.producerId))
    }
    return keys
  }
}
