/** Many queues: made, written to, told of and read. */

import { decodeResponse } from '../../gateway/kafka/codec/index.ts'
import {
  createTopicsRequest,
  createTopicsResponse
} from '../../gateway/kafka/schemas/create-topics.ts'
import { fetchRequest, fetchResponse } from '../../gateway/kafka/schemas/fetch.ts'
import { metadataRequest, metadataResponse } from '../../gateway/kafka/schemas/metadata.ts'
import { produceRequest, produceResponse } from '../../gateway/kafka/schemas/produce.ts'
import { recordBatch } from '../load/encode.ts'
import { type LoadResult, Measurement } from '../load/measure.ts'
import { Connection } from './connection.ts'

/** Queues of a number of topics, the same number each. */
export interface Queues {
  readonly topics: readonly string[]
  readonly each: number
}

/** Versions that Kafka 4 and Isthmus both serve, with topics by name. */
export const versions = { createTopics: 5, metadata: 9, produce: 8, fetch: 11 } as const
/** As an admin tool would ask for many. */
const topicsPerRequest = 50

export function queuesOf(topicCount: number, each: number): Queues {
  return { topics: Array.from({ length: topicCount }, (_, i) => `scale-${i}`), each }
}

export function check(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: error code ${errorCode}`)
}

export async function makeTopics(bootstrap: string, { topics, each }: Queues): Promise<void> {
  const connection = await Connection.open(bootstrap)
  for (let i = 0; i < topics.length; i += topicsPerRequest) {
    const { topics: made } = await connection.ask(
      createTopicsRequest,
      createTopicsResponse,
      versions.createTopics,
      {
        topics: topics.slice(i, i + topicsPerRequest).map((name) => ({
          name,
          numPartitions: each,
          replicationFactor: 1,
          assignments: [],
          configs: []
        }))
      }
    )
    for (const { name, errorCode } of made) check(`topic ${name}`, errorCode)
  }
  connection.close()
}

/** Milliseconds that the metadata of all topics took, and how many partitions were told. */
export async function askForAll(bootstrap: string): Promise<{ ms: number; partitions: number }> {
  const connection = await Connection.open(bootstrap)
  const frame = connection.encode(metadataRequest, versions.metadata, { topics: null })
  const began = performance.now()
  const answer = await connection.send(frame)
  const ms = performance.now() - began
  connection.close()
  const { body } = decodeResponse(metadataResponse, versions.metadata, answer)
  return { ms, partitions: body.topics.reduce((sum, topic) => sum + topic.partitions.length, 0) }
}

export interface SpreadOptions {
  readonly connections: number
  /** Requests in flight on each. */
  readonly inFlight: number
  readonly queuesPerRequest: number
  /** A batch has one record of so many bytes. */
  readonly bytes: number
  /** Until so many bytes of payload were acknowledged, or for so many seconds. */
  readonly until: { readonly bytes: number } | { readonly seconds: number }
  readonly pid: number
}

/** One batch for each of a request's queues; the requests go over all queues, again and again. */
export async function produceToAll(
  bootstrap: string,
  queues: Queues,
  o: SpreadOptions
): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: o.connections }, () => Connection.open(bootstrap))
  )
  const frames = spreadFrames(connections[0] as Connection, queues, o)
  const measurement = new Measurement(o.pid)
  measurement.start()
  const endMs = 'seconds' in o.until ? performance.now() + o.until.seconds * 1000 : Infinity
  let left = 'bytes' in o.until ? o.until.bytes : Infinity
  let turn = 0
  async function send(connection: Connection): Promise<void> {
    while (performance.now() < endMs && left > 0) {
      const frame = frames[turn++ % frames.length] as Buffer
      const payload = o.queuesPerRequest * o.bytes
      left -= payload
      const beganMs = performance.now()
      const answer = await connection.send(frame)
      const { body } = decodeResponse(produceResponse, versions.produce, answer)
      for (const topic of body.responses)
        for (const one of topic.partitionResponses) check(`produce to ${topic.name}`, one.errorCode)
      measurement.count(beganMs, o.queuesPerRequest, payload)
    }
  }
  await Promise.all(
    connections.flatMap((one) => Array.from({ length: o.inFlight }, () => send(one)))
  )
  const result = measurement.end()
  for (const connection of connections) connection.close()
  return result
}

function spreadFrames(connection: Connection, queues: Queues, o: SpreadOptions): Buffer[] {
  const batch = recordBatch(1, o.bytes)
  const all = queues.topics.flatMap((topic) =>
    Array.from({ length: queues.each }, (_, partition) => ({ topic, partition }))
  )
  const frames: Buffer[] = []
  for (let i = 0; i < all.length; i += o.queuesPerRequest) {
    const topicData = byTopic(all.slice(i, i + o.queuesPerRequest)).map(([name, some]) => ({
      name,
      partitionData: some.map(({ partition }) => ({ index: partition, records: [batch] }))
    }))
    const body = { acks: -1, timeoutMs: 30_000, topicData }
    frames.push(connection.encode(produceRequest, versions.produce, body))
  }
  return frames
}

/** Bytes of records that a reading from the beginning gave, and how it went. */
export interface Reading {
  readonly bytes: number
  readonly ms: number
  readonly requests: number
  /** The slowest answer. */
  readonly maxMs: number
}

interface Place {
  readonly topic: string
  readonly partition: number
  offset: number
  done: boolean
}

/**
 * Reads queues from their first record to where they end now, as one consumer of all of them does: every request asks
 * for all that are not at their end, those that were given something last.
 */
export async function readAll(bootstrap: string, queues: Queues): Promise<Reading> {
  const connection = await Connection.open(bootstrap)
  let places: Place[] = queues.topics.flatMap((topic) =>
    Array.from({ length: queues.each }, (_, partition) => ({
      topic,
      partition,
      offset: 0,
      done: false
    }))
  )
  const startedMs = performance.now()
  let bytes = 0
  let requests = 0
  let maxMs = 0
  while (places.length > 0) {
    const frame = connection.encode(fetchRequest, versions.fetch, fetchOf(places))
    const beganMs = performance.now()
    const answer = await connection.send(frame)
    maxMs = Math.max(maxMs, performance.now() - beganMs)
    requests++
    const { body } = decodeResponse(fetchResponse, versions.fetch, answer)
    check('fetch', body.errorCode)
    const byName = new Map(places.map((place) => [`${place.topic}/${place.partition}`, place]))
    const fed = new Set<Place>()
    for (const { topic, partitions } of body.responses) {
      for (const one of partitions) {
        check(`fetch of ${topic}`, one.errorCode)
        const place = byName.get(`${topic}/${one.partitionIndex}`) as Place
        if (one.records === null || one.records.length === 0) continue
        fed.add(place)
        bytes += takeBatches(place, one.records)
        place.done = place.offset >= one.highWatermark
      }
    }
    places = [...places.filter((one) => !fed.has(one)), ...fed].filter((one) => !one.done)
  }
  connection.close()
  return { bytes, ms: performance.now() - startedMs, requests, maxMs }
}

/** Moves a place behind the whole batches that were given; returns their bytes. */
function takeBatches(place: Place, records: Buffer): number {
  let at = 0
  while (at + 61 <= records.length) {
    const size = 12 + records.readInt32BE(at + 8)
    if (at + size > records.length) break
    place.offset = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
    at += size
  }
  return at
}

/** What the Java client asks for at its defaults. */
function fetchOf(places: readonly Place[]) {
  return {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 50 * 1024 * 1024,
    topics: byTopic(places).map(([topic, some]) => ({
      topic,
      partitions: some.map(({ partition, offset }) => ({
        partition,
        fetchOffset: offset,
        partitionMaxBytes: 1024 * 1024
      }))
    }))
  }
}

function byTopic<P extends { readonly topic: string }>(all: readonly P[]): [string, P[]][] {
  const found = new Map<string, P[]>()
  for (const one of all) {
    const some = found.get(one.topic)
    if (some === undefined) found.set(one.topic, [one])
    else some.push(one)
  }
  return [...found]
}
