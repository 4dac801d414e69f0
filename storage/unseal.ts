/**
 * Takes a group that could not be written back out of the sealed view, as if it had never been sealed. It must be
 * the only group that is sealed and not durable. Ids that it took are not given again.
 */
import type { Catalog } from './catalog.ts'
import type { Queue } from './queue.ts'
import type { SealedGroup, TopicChange } from './sealed-group.ts'

export function unseal(catalog: Catalog, group: SealedGroup): void {
  for (const change of [...group.topicChanges].reverse()) undoTopic(catalog, change)
  for (const { queue } of group.runs) undoQueue(queue)
  for (const { entry } of group.stateChanges) {
    if (entry?.family !== 'log-start') continue
    const queue = catalog.sealedQueues.get(entry.row.queue)
    if (queue !== undefined) queue.sealedLogStart = queue.logStart
  }
  catalog.state.unseal()
  for (const { queue, producerId, producer } of [...group.producersBefore].reverse())
    queue.producers.restore(producerId, producer)
}

function undoQueue(queue: Queue): void {
  queue.sealedEnd = queue.highWatermark
  queue.maxTimestamp = queue.durableMaxTimestamp
}

function undoTopic(catalog: Catalog, change: TopicChange): void {
  const { sealedTopics, sealedQueues, topics, queues } = catalog
  const { id } = change.topic
  if (change.op === 'put') for (const { uid } of change.created) sealedQueues.delete(uid)
  sealedTopics.delete(id)
  const before = topics.find({ id })
  if (before === undefined) return
  sealedTopics.put(before)
  for (const uid of before.queues) {
    const queue = queues.get(uid)
    if (queue !== undefined) sealedQueues.set(uid, queue)
  }
}
