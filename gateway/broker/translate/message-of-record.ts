/** A stored record as the RocketMQ message that it was, or for a Kafka client's record, as one that carries it. */
import type { BatchRecord } from '../../../storage/batch/records.ts'
import type { VarintReader } from '../../../storage/batch/varint.ts'
import type { Origin, QueueUid, TopicId } from '../../../storage/contract.ts'
import { copyBytes, equalsAt } from './copy-bytes.ts'
import { type Host, hostBytes, noHost } from './hosts.ts'
import { propertiesOfRecord } from './kafka-properties.ts'
import { type Message, propertiesBytesMax } from './message-codec.ts'
import { derivedUniqueKey } from './message-ids.ts'
import { nameEnd, propertyEnd, propertyMap, propertyOf } from './properties.ts'
import { tagsName } from './property-names.ts'
import { decodeRmqHeader, type RmqFields, rmqHeaderName } from './rmq-header.ts'
import { tagCode } from './tags.ts'

/** RocketMQ's NettyDecoder: a frame with its length field. A client closes the connection at a longer one. */
export const rocketmqFrameBytesMax = 16_777_216
/** For a frame's head: lengths, header, remark. */
export const answerHeadBytesMax = 16 * 1024
/** Fixed fields with IPv6 hosts, and the longest topic. */
const messageOverheadBytes = 91 + 24 + 1 + 255

/** Where a record is from. */
export interface RecordSource {
  /** Of the run that it came in: a Kafka client's header `rmq` means nothing. */
  readonly origin: Origin
  readonly topicId: TopicId
  readonly queue: QueueUid
  /** The run's, ms: RocketMQ's store timestamp. */
  readonly appendTimeMs: number
}

/**
 * A message, read from its record as far as it is asked for: filters look at most records and few fields. May be
 * kept and shared; its buffers are slices of the batch. Nothing here throws.
 */
export class RecordMessage implements Message {
  /** RocketMQ's queue offset. */
  readonly offset: number
  readonly storeTimestampMs: number
  readonly #record: BatchRecord
  readonly #source: RecordSource
  readonly #fields: RmqFields | undefined
  #properties: Buffer | undefined

  constructor(record: BatchRecord, source: RecordSource) {
    this.offset = record.offset
    this.storeTimestampMs = source.appendTimeMs
    this.#record = record
    this.#source = source
    this.#fields = source.origin === 'rocketmq' ? fieldsOf(record) : undefined
  }

  /** Whether a RocketMQ client sent it, so that it is given back as sent. */
  get isNative(): boolean {
    return this.#fields !== undefined
  }

  get flag(): number {
    return this.#fields?.flag ?? 0
  }

  get sysFlag(): number {
    return this.#fields?.sysFlag ?? 0
  }

  get bornTimestampMs(): number {
    return this.#fields?.bornTimestampMs ?? this.#record.timestamp
  }

  get bornHost(): Host {
    return this.#fields?.bornHost ?? noHost
  }

  get reconsumeTimes(): number {
    return this.#fields?.reconsumeTimes ?? 0
  }

  get preparedOffset(): bigint {
    return this.#fields?.preparedOffset ?? 0n
  }

  get body(): Buffer {
    return this.#record.value ?? empty
  }

  get properties(): Buffer {
    this.#properties ??= this.#fields ? this.#sentProperties(this.#fields) : this.carried()
    return this.#properties
  }

  /**
   * The properties that carry a Kafka client's record, in at most `bytesMax` bytes (512 or more): less than RocketMQ's
   * limit where the caller needs room for its own.
   */
  carried(bytesMax = propertiesBytesMax): Buffer {
    const { topicId, queue } = this.#source
    const uniqueKey = derivedUniqueKey(topicId, queue, this.offset)
    return propertiesOfRecord(this.#record, uniqueKey, bytesMax)
  }

  /** The tag, or undefined: what RocketMQ's clients compare. */
  get tag(): string | undefined {
    if (this.#properties !== undefined || this.#fields?.rawProperties !== undefined) {
      return propertyOf(this.properties, tagsName)
    }
    // Without making the property string: most records that a tag filter looks at end here.
    const value = this.#lastValueOf(tagsNameBytes, this.#record.headerCount)
    if (value === undefined) return undefined
    return this.isNative ? value?.toString() : propertyOf(this.properties, tagsName)
  }

  /** The tag's Java hash code; 0 without a tag. */
  get tagCode(): number {
    return tagCode(this.tag)
  }

  property(name: string): string | undefined {
    const fields = this.#fields
    if (this.#properties !== undefined || fields === undefined || fields.rawProperties) {
      return propertyOf(this.properties, name)
    }
    // Without making the property string, as for tags. The last header is no property.
    return this.#lastValueOf(Buffer.from(name), this.#record.headerCount - 1)?.toString()
  }

  /** Of the last of the first `count` headers that has the name; null where it is, undefined if there is none. */
  #lastValueOf(name: Buffer, count: number): Buffer | null | undefined {
    const reader = this.#record.headerReader()
    const { bytes } = reader
    let found = -1
    for (let left = count; left > 0; left--) {
      const nameBytes = reader.int()
      const isIt = nameBytes === name.length && equalsAt(bytes, reader.at, name)
      reader.skip(nameBytes)
      if (isIt) found = reader.at
      reader.skipField()
    }
    return found < 0 ? undefined : this.#record.headerReader(found).field()
  }

  /** All properties, for SQL filters. */
  propertyMap(): Map<string, string> {
    return propertyMap(this.properties)
  }

  /** It fits no frame that RocketMQ's clients take: to be skipped, counted and logged. */
  get isTooLarge(): boolean {
    const { body, properties } = this
    const bytes = body.length + properties.length + messageOverheadBytes
    const tooLarge = bytes > rocketmqFrameBytesMax - answerHeadBytesMax
    return tooLarge || properties.length > propertiesBytesMax
  }

  /** Bytes of the message for a topic's name of that length and a store host. */
  bytesFor(topicBytes: number, storeHost: Host): number {
    const hosts = hostBytes(this.bornHost) + hostBytes(storeHost)
    const lengths = 75 + (topicBytes > 127 ? 1 : 0)
    return lengths + hosts + topicBytes + this.body.length + this.properties.length
  }

  #sentProperties({ rawProperties, endsSeparated }: RmqFields): Buffer {
    if (rawProperties !== undefined) return rawProperties
    const { headerCount, bytesBeforeLast } = this.#record
    const count = headerCount - 1
    const bytes = bytesBeforeLast + 2 * count - (count > 0 && !endsSeparated ? 1 : 0)
    const target = Buffer.allocUnsafe(bytes)
    const reader = this.#record.headerReader()
    let at = 0
    for (let left = count; left > 0; left--) {
      at = copyField(target, at, reader)
      target[at++] = nameEnd
      at = copyField(target, at, reader)
      if (at < bytes) target[at++] = propertyEnd
    }
    return target
  }
}

/** A name or value; null is as empty. */
function copyField(target: Buffer, at: number, reader: VarintReader): number {
  const length = Math.max(reader.skipField(), 0)
  return copyBytes(target, at, reader.bytes, reader.at - length, reader.at)
}

/** Of the last header, if it is one that `recordOfMessage` wrote. */
export function fieldsOf(record: BatchRecord): RmqFields | undefined {
  if (record.headerCount === 0) return undefined
  const reader = record.headerReader(record.lastHeaderAt)
  const nameBytes = reader.int()
  const isIt =
    nameBytes === rmqHeaderName.length && equalsAt(reader.bytes, reader.at, rmqHeaderName)
  reader.skip(nameBytes)
  const valueBytes = reader.skipField()
  if (!isIt || valueBytes < 0) return undefined
  return decodeRmqHeader(reader.bytes, reader.at - valueBytes, reader.at)
}

const empty = Buffer.alloc(0)
const tagsNameBytes = Buffer.from(tagsName)
