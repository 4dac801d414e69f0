/** The state changes of a commit: may they be made, and making them in the sealed view. */
import type { Catalog } from './catalog.ts'
import type {
  AppendResult,
  Bound,
  Change,
  CommitResult,
  NewTopic,
  QueueUid,
  Topic,
  TopicId,
  TopicUpdate
} from './contract.ts'
import { StoreError } from './errors.ts'
import type { SealedGroup, Upkeep } from './sealed-group.ts'
import { keyOf, type StateKey, type StateRow, stateKeys } from './state/rows.ts'
import { engineKeys } from './state/stored-rows.ts'

/** Uids are 24 bits wide wherever a RocketMQ message id holds one. */
const queueUidMax = 2 ** 24 - 1

/** Throws for the first change that cannot be made; changes nothing. */
export function checkChanges(catalog: Catalog, changes: readonly Change[]): void {
  const taken = new Set<string>()
  const freed = new Set<TopicId>()
  let uidsWanted = 0
  for (const change of changes) {
    if (change.op === 'create-topic') {
      checkNewTopic(catalog, change.topic, taken, freed)
      uidsWanted += change.topic.queueCount
    } else if (change.op === 'update-topic') {
      const topic = existing(catalog, change.id, freed)
      uidsWanted += checkUpdate(topic, change.update)
    } else if (change.op === 'delete-topic') {
      existing(catalog, change.id, freed)
      freed.add(change.id)
    } else if (change.op === 'move-log-start' && !catalog.sealedQueues.has(change.queue))
      throw new StoreError('queue-gone', `queue ${change.queue} does not exist`)
  }
  if (catalog.counters.nextQueueUid + uidsWanted - 1 > queueUidMax)
    throw new StoreError('limit-reached', 'no queue uids are left: the store has made 2^24 queues')
}

function checkNewTopic(
  catalog: Catalog,
  topic: NewTopic,
  taken: Set<string>,
  freed: ReadonlySet<TopicId>
): void {
  const lookups = [
    [topic.names.kafka, { kafkaName: topic.names.kafka }],
    [topic.names.rocketmq, { rocketmqName: topic.names.rocketmq }],
    [topic.id, { id: topic.id }]
  ] as const
  for (const wanted of [topic.readQueues, topic.writeQueues])
    if (wanted !== undefined && wanted > topic.queueCount)
      throw new StoreError(
        'condition-failed',
        `the topic has ${topic.queueCount} queues, not ${wanted}`
      )
  for (const [kind, [name, lookup]] of lookups.entries()) {
    const held = catalog.sealedTopics.find(lookup)
    if ((held !== undefined && !freed.has(held.id)) || taken.has(`${kind}${name}`))
      throw new StoreError('topic-exists', `topic ${name} exists`, { name })
    taken.add(`${kind}${name}`)
  }
}

function existing(catalog: Catalog, id: TopicId, freed: ReadonlySet<TopicId>): Topic {
  const topic = catalog.sealedTopics.find({ id })
  if (topic === undefined || freed.has(id))
    throw new StoreError('topic-gone', `no topic has the id ${id}`)
  return topic
}

/** How many uids the update needs. */
function checkUpdate(topic: Topic, update: TopicUpdate): number {
  const count = update.queueCount ?? topic.queues.length
  if (count < topic.queues.length)
    throw new StoreError(
      'condition-failed',
      `topic ${topic.names.kafka} has ${topic.queues.length} queues already`
    )
  for (const wanted of [update.readQueues, update.writeQueues])
    if (wanted !== undefined && wanted > count)
      throw new StoreError('condition-failed', `the topic has ${count} queues, not ${wanted}`)
  return count - topic.queues.length
}

/** Makes the changes, which checkChanges has passed, and says what they gave. */
export function applyChanges(
  catalog: Catalog,
  changes: readonly Change[],
  appends: readonly AppendResult[],
  group: SealedGroup
): Pick<CommitResult, 'topics' | 'producerIds'> {
  const bound: Bound = { appends, appendTimeMs: group.appendTimeMs }
  const topics: Topic[] = []
  const producerIds: number[] = []
  for (const change of changes) {
    switch (change.op) {
      case 'put':
        putRow(catalog, typeof change.row === 'function' ? change.row(bound) : change.row, group)
        break
      case 'delete':
        deleteRow(catalog, typeof change.key === 'function' ? change.key(bound) : change.key, group)
        break
      case 'create-topic':
        topics.push(createTopic(catalog, change.topic, group))
        break
      case 'update-topic':
        topics.push(updateTopic(catalog, change.id, change.update, group))
        break
      case 'delete-topic':
        deleteTopic(catalog, change.id, group)
        break
      case 'move-log-start':
        moveLogStart(catalog, change.queue, change.offset, group)
        break
      case 'reserve-producer-ids': {
        producerIds.push(catalog.counters.nextProducerId)
        const nextProducerId = catalog.counters.nextProducerId + change.count
        logCounters(catalog, { nextProducerId }, group)
      }
    }
  }
  return { topics, producerIds }
}

function putRow(catalog: Catalog, entry: StateRow, group: SealedGroup): void {
  group.stateChanges.push(catalog.state.seal(group.sequence, keyOf(entry), entry))
  group.logged.push({ op: 'put', entry })
}

/** Never back, and never beyond what is there. */
function moveLogStart(catalog: Catalog, uid: QueueUid, wanted: number, group: SealedGroup): void {
  // The same commit may have deleted the topic.
  const queue = catalog.sealedQueues.get(uid)
  if (queue === undefined) return
  const offset = Math.min(wanted, queue.sealedEnd)
  if (offset <= queue.sealedLogStart) return
  queue.sealedLogStart = offset
  putRow(catalog, { family: 'log-start', row: { queue: uid, offset } }, group)
}

/** What the store does for itself. The counters make sure that there is something to write. */
export function sealUpkeep(catalog: Catalog, upkeep: Upkeep, group: SealedGroup): void {
  const { addSegment } = upkeep
  if (addSegment !== undefined) {
    group.logged.push({ op: 'put', entry: { family: 'segment', row: addSegment } })
    group.addedSegments.push(addSegment)
  }
  for (const id of upkeep.dropSegments) {
    group.logged.push({ op: 'delete', key: engineKeys.segment(id) })
    group.droppedSegments.push(id)
  }
  logCounters(catalog, {}, group)
}

function deleteRow(catalog: Catalog, key: StateKey, group: SealedGroup): void {
  group.stateChanges.push(catalog.state.seal(group.sequence, key, undefined))
  group.logged.push({ op: 'delete', key })
}

function logCounters(
  catalog: Catalog,
  change: Partial<Catalog['counters']>,
  group: SealedGroup
): void {
  catalog.counters = { ...catalog.counters, ...change }
  group.logged.push({ op: 'put', entry: { family: 'counters', row: catalog.counters } })
}

function allocateUids(catalog: Catalog, count: number, group: SealedGroup): number[] {
  const first = catalog.counters.nextQueueUid
  logCounters(catalog, { nextQueueUid: first + count }, group)
  return Array.from({ length: count }, (_, i) => first + i)
}

function putTopic(catalog: Catalog, topic: Topic, group: SealedGroup): Topic {
  Object.freeze(topic)
  catalog.sealedTopics.put(topic)
  const created = catalog.makeQueues(topic)
  group.topicChanges.push({ op: 'put', topic, created })
  group.logged.push({ op: 'put', entry: { family: 'topic', row: topic } })
  return topic
}

function createTopic(catalog: Catalog, wanted: NewTopic, group: SealedGroup): Topic {
  const queues = allocateUids(catalog, wanted.queueCount, group)
  const topic: Topic = {
    id: wanted.id,
    names: { ...wanted.names },
    queues,
    config: { ...wanted.config },
    perm: wanted.perm ?? 6,
    messageType: wanted.messageType ?? 'NORMAL',
    readQueues: wanted.readQueues ?? queues.length,
    writeQueues: wanted.writeQueues ?? queues.length,
    system: wanted.system ?? false,
    createdMs: group.appendTimeMs
  }
  return putTopic(catalog, topic, group)
}

function updateTopic(
  catalog: Catalog,
  id: TopicId,
  update: TopicUpdate,
  group: SealedGroup
): Topic {
  const old = catalog.sealedTopics.find({ id }) as Topic
  const { queueCount = old.queues.length, ...rest } = update
  const added = queueCount - old.queues.length
  const grown = added === 0 ? {} : grow(old, allocateUids(catalog, added, group))
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return putTopic(catalog, { ...old, ...grown, ...given }, group)
}

/** New queues are read from and written to at once, where the old ones all were. */
function grow(old: Topic, added: readonly number[]): Partial<Topic> {
  const queues = [...old.queues, ...added]
  const follow = (count: number) => (count === old.queues.length ? queues.length : count)
  return { queues, readQueues: follow(old.readQueues), writeQueues: follow(old.writeQueues) }
}

function deleteTopic(catalog: Catalog, id: TopicId, group: SealedGroup): void {
  const topic = catalog.sealedTopics.delete(id) as Topic
  const keys = catalog.state.keysOfTopic(id)
  for (const queue of topic.queues) {
    catalog.sealedQueues.delete(queue)
    keys.push(stateKeys.logStart(queue), stateKeys.queueEpochs(queue))
  }
  for (const key of keys)
    if (catalog.state.sealedVersion(key) !== undefined)
      group.stateChanges.push(catalog.state.seal(group.sequence, key, undefined))
  group.topicChanges.push({ op: 'drop', topic, queues: topic.queues })
  group.logged.push({ op: 'drop-topic', topicId: id })
}
