/**
 * The fields of each family's row, version 1, in this order. Numbers are varints (never negative) or signed varints,
 * strings UTF-8 after their length, ids 16 bytes, lists and maps after their count (layout/byte-writer.ts).
 */
import type { Topic, TopicPerm } from '../contract.ts'
import type { ByteReader } from '../layout/byte-reader.ts'
import type { ByteWriter } from '../layout/byte-writer.ts'
import { LayoutError } from '../layout/layout-error.ts'
import type {
  CommittedOffsetRow,
  GroupRow,
  LogStartRow,
  QueueEpochsRow,
  SettingRow,
  TimerRow
} from './rows.ts'
import type {
  CountersRow,
  ProducerRow,
  QueueRow,
  SegmentRow,
  StoredFamily,
  StoredRow
} from './stored-rows.ts'

export const rowVersion = 1

type RowOf<F extends StoredFamily> = Extract<StoredRow, { family: F }>['row']

interface RowCodec<R> {
  write(writer: ByteWriter, row: R): void
  read(reader: ByteReader): R
}

export function writeFields(writer: ByteWriter, entry: StoredRow): void {
  // The table ties each family to its row's type; through a union the compiler cannot follow that.
  const codec = codecs[entry.family] as RowCodec<StoredRow['row']>
  codec.write(writer, entry.row)
}

export function readFields(reader: ByteReader, family: StoredFamily): StoredRow {
  return { family, row: codecs[family].read(reader) } as StoredRow
}

function writeLogStart(writer: ByteWriter, row: LogStartRow): void {
  writer.varint(row.queue)
  writer.varint(row.offset)
}

function readLogStart(reader: ByteReader): LogStartRow {
  return { queue: reader.varint(), offset: reader.varint() }
}

function writeSetting(writer: ByteWriter, row: SettingRow): void {
  writer.string(row.name)
  writer.string(row.value)
}

function readSetting(reader: ByteReader): SettingRow {
  return { name: reader.string(), value: reader.string() }
}

const timerActions = ['copy', 'check'] as const

function writeTimer(writer: ByteWriter, row: TimerRow): void {
  writer.varint(row.queue)
  writer.varint(row.offset)
  writer.signed(row.dueMs)
  writer.uint8(timerActions.indexOf(row.action))
  writer.id(row.targetTopicId)
  writer.varint(row.targetQueue)
  writer.varint(row.count)
  writeMap(writer, row.detail)
}

function readTimer(reader: ByteReader): TimerRow {
  const queue = reader.varint()
  const offset = reader.varint()
  const dueMs = reader.signed()
  const code = reader.uint8()
  const action = timerActions[code]
  if (action === undefined) throw new LayoutError('malformed', `timer action ${code} is not known`)
  return {
    queue,
    offset,
    dueMs,
    action,
    targetTopicId: reader.id(),
    targetQueue: reader.varint(),
    count: reader.varint(),
    detail: readMap(reader)
  }
}

function writeCounters(writer: ByteWriter, row: CountersRow): void {
  writer.varint(row.nextQueueUid)
  writer.varint(row.nextSegmentId)
  writer.varint(row.nextProducerId)
}

function readCounters(reader: ByteReader): CountersRow {
  return {
    nextQueueUid: reader.varint(),
    nextSegmentId: reader.varint(),
    nextProducerId: reader.varint()
  }
}

function writeCommittedOffset(writer: ByteWriter, row: CommittedOffsetRow): void {
  writer.string(row.group)
  writer.id(row.topicId)
  writer.varint(row.queue)
  writer.signed(row.offset)
  writer.signed(row.leaderEpoch)
  writer.string(row.metadata)
  writer.signed(row.commitTimeMs)
}

function readCommittedOffset(reader: ByteReader): CommittedOffsetRow {
  return {
    group: reader.string(),
    topicId: reader.id(),
    queue: reader.varint(),
    offset: reader.signed(),
    leaderEpoch: reader.signed(),
    metadata: reader.string(),
    commitTimeMs: reader.signed()
  }
}

function writeGroup(writer: ByteWriter, row: GroupRow): void {
  writer.string(row.names.kafka)
  writer.string(row.names.rocketmq)
  writer.string(row.protocolType)
  writer.signed(row.emptySinceMs)
  writeMap(writer, row.settings)
}

function readGroup(reader: ByteReader): GroupRow {
  return {
    names: { kafka: reader.string(), rocketmq: reader.string() },
    protocolType: reader.string(),
    emptySinceMs: reader.signed(),
    settings: readMap(reader)
  }
}

function writeQueueEpochs(writer: ByteWriter, row: QueueEpochsRow): void {
  writer.varint(row.queue)
  writer.varint(row.epochs.length)
  for (const { epoch, startOffset } of row.epochs) {
    writer.varint(epoch)
    writer.varint(startOffset)
  }
}

function readQueueEpochs(reader: ByteReader): QueueEpochsRow {
  return {
    queue: reader.varint(),
    epochs: readList(reader, 2, () => ({ epoch: reader.varint(), startOffset: reader.varint() }))
  }
}

function writeTopic(writer: ByteWriter, row: Topic): void {
  writer.id(row.id)
  writer.string(row.names.kafka)
  writer.string(row.names.rocketmq)
  writer.varint(row.queues.length)
  for (const queue of row.queues) writer.varint(queue)
  writeMap(writer, row.config)
  writer.uint8(row.perm)
  writer.string(row.messageType)
  writer.varint(row.readQueues)
  writer.varint(row.writeQueues)
  writer.uint8(row.system ? 1 : 0)
  writer.signed(row.createdMs)
}

function readTopic(reader: ByteReader): Topic {
  return {
    id: reader.id(),
    names: { kafka: reader.string(), rocketmq: reader.string() },
    queues: readList(reader, 1, () => reader.varint()),
    config: readMap(reader),
    perm: readPerm(reader.uint8()),
    messageType: reader.string(),
    readQueues: reader.varint(),
    writeQueues: reader.varint(),
    system: readBoolean(reader.uint8()),
    createdMs: reader.signed()
  }
}

function writeQueue(writer: ByteWriter, row: QueueRow): void {
  writer.varint(row.queue)
  writer.id(row.topicId)
  writer.varint(row.index)
  writer.varint(row.nextOffset)
  writer.signed(row.maxTimestamp)
}

function readQueue(reader: ByteReader): QueueRow {
  return {
    queue: reader.varint(),
    topicId: reader.id(),
    index: reader.varint(),
    nextOffset: reader.varint(),
    maxTimestamp: reader.signed()
  }
}

function writeSegment(writer: ByteWriter, row: SegmentRow): void {
  writer.varint(row.id)
  writer.varint(row.firstSequence)
  writer.signed(row.lastSequence)
  writer.signed(row.dataBytes)
}

function readSegment(reader: ByteReader): SegmentRow {
  return {
    id: reader.varint(),
    firstSequence: reader.varint(),
    lastSequence: reader.signed(),
    dataBytes: reader.signed()
  }
}

function writeProducer(writer: ByteWriter, row: ProducerRow): void {
  writer.varint(row.queue)
  writer.varint(row.producerId)
  writer.signed(row.epoch)
  writer.varint(row.batches.length)
  for (const batch of row.batches) {
    writer.signed(batch.firstSequence)
    writer.signed(batch.lastSequence)
    writer.varint(batch.baseOffset)
    writer.signed(batch.appendTimeMs)
  }
}

function readProducer(reader: ByteReader): ProducerRow {
  return {
    queue: reader.varint(),
    producerId: reader.varint(),
    epoch: reader.signed(),
    batches: readList(reader, 4, () => ({
      firstSequence: reader.signed(),
      lastSequence: reader.signed(),
      baseOffset: reader.varint(),
      appendTimeMs: reader.signed()
    }))
  }
}

function readPerm(value: number): TopicPerm {
  if (value === 0 || value === 2 || value === 4 || value === 6) return value
  throw new LayoutError('malformed', `${value} is not a topic's permission`)
}

function readBoolean(value: number): boolean {
  if (value <= 1) return value === 1
  throw new LayoutError('malformed', `${value} is neither yes nor no`)
}

function writeMap(writer: ByteWriter, map: Readonly<Record<string, string>>): void {
  const entries = Object.entries(map)
  writer.varint(entries.length)
  for (const [name, value] of entries) {
    writer.string(name)
    writer.string(value)
  }
}

function readMap(reader: ByteReader): Readonly<Record<string, string>> {
  const pair = (): [string, string] => [reader.string(), reader.string()]
  return Object.fromEntries(readList(reader, 2, pair))
}

function readList<T>(reader: ByteReader, itemBytesMin: number, read: () => T): readonly T[] {
  const count = reader.count(reader.varint(), itemBytesMin)
  return Array.from({ length: count }, read)
}

const codecs: { readonly [F in StoredFamily]: RowCodec<RowOf<F>> } = {
  'committed-offset': { write: writeCommittedOffset, read: readCommittedOffset },
  group: { write: writeGroup, read: readGroup },
  'log-start': { write: writeLogStart, read: readLogStart },
  'queue-epochs': { write: writeQueueEpochs, read: readQueueEpochs },
  timer: { write: writeTimer, read: readTimer },
  setting: { write: writeSetting, read: readSetting },
  topic: { write: writeTopic, read: readTopic },
  queue: { write: writeQueue, read: readQueue },
  segment: { write: writeSegment, read: readSegment },
  producer: { write: writeProducer, read: readProducer },
  counters: { write: writeCounters, read: readCounters }
}
