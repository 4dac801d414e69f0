/** Fetches for tests. */
import type { InputOf } from '../../../../gateway/kafka/codec/index.ts'
import { fetchRequest, fetchResponse } from '../../../../gateway/kafka/schemas/fetch.ts'
import { type QueueData, StoreError } from '../../../../storage/index.ts'
import type { KafkaClient, KafkaRig } from '../rig.ts'

export type Body = InputOf<typeof fetchRequest>
export type AskedPartition = Body['topics'][number]['partitions'][number]

export interface Options extends Partial<Omit<Body, 'topics'>> {
  readonly version?: number
}

export function bodyFor(topics: Body['topics'], options: Options = {}): Body {
  const { version: _version, ...rest } = options
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics, ...rest }
}

export function partition(index: number, fetchOffset = 0, rest: Partial<AskedPartition> = {}) {
  return { partition: index, fetchOffset, partitionMaxBytes: 1 << 20, ...rest }
}

export async function ask(client: KafkaClient, topics: Body['topics'], options: Options = {}) {
  const { version = 11 } = options
  return client.ask(fetchRequest, fetchResponse, version, bodyFor(topics, options))
}

/** Fetches one partition of a topic by name and returns its answer. */
export async function askOne(
  client: KafkaClient,
  topic: string,
  asked: AskedPartition,
  options: Options = {}
) {
  const answer = await ask(client, [{ topic, partitions: [asked] }], options)
  const one = answer.responses[0]?.partitions[0]
  if (one === undefined || answer.responses.length !== 1) throw new Error('not one partition')
  return one
}

/** Base offset and length of each batch in a records field; throws if one is cut. */
export function batchesIn(records: Buffer | null): [number, number][] {
  if (records === null) throw new Error('records are null')
  const batches: [number, number][] = []
  for (let at = 0; at < records.length; ) {
    const length = 12 + records.readInt32BE(at + 8)
    if (at + length > records.length) throw new Error(`batch cut at ${at}`)
    batches.push([Number(records.readBigInt64BE(at)), length])
    at += length
  }
  return batches
}

export async function filled(rig: KafkaRig, name: string, queueCount: number, count: number) {
  const topic = await rig.createTopic(name, queueCount)
  for (let i = 0; i < count; i++) {
    for (let queue = 0; queue < queueCount; queue++) await rig.append(topic, queue, `${i}`)
  }
  return topic
}

/** Puts something in place of what a read says of each queue. */
export function changeReads(
  rig: KafkaRig,
  change: (data: QueueData) => QueueData | StoreError
): void {
  rig.changes.read = async (request) => {
    const results = await rig.store.read(request)
    return results.map((data) => (data instanceof StoreError ? data : change(data)))
  }
}
