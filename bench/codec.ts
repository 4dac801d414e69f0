import {
  type AnyMessage,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type InputOf,
  Reader,
  readRequestBody,
  readRequestHeader
} from '../gateway/kafka/codec/index.ts'
import { fetchRequest, fetchResponse } from '../gateway/kafka/schemas/fetch.ts'
import { produceRequest, produceResponse } from '../gateway/kafka/schemas/produce.ts'

/*
 * What it costs to decode and encode Fetch and Produce, header and all: `node dist/bench/codec.js`.
 * Prints nanoseconds a frame, the best of many short rounds (the machine may be busy). Decoding a
 * response and encoding a request are the client's work; they are here for the codec's sake.
 */

const topicId = '00112233445566778899aabbccddeeff'
const batch = Buffer.alloc(16 * 1024, 7)
const header = { correlationId: 77, clientId: 'a-client' }

function times<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

function fetchBody(topics: number, partitions: number): InputOf<typeof fetchRequest> {
  return {
    maxWaitMs: 500,
    minBytes: 1,
    topics: times(topics, (i) => ({
      topic: `a-topic-${i}`,
      topicId,
      partitions: times(partitions, (partition) => ({
        partition,
        fetchOffset: 5_000_000_000 + partition,
        partitionMaxBytes: 1048576
      }))
    }))
  }
}

function fetchAnswer(topics: number, partitions: number): InputOf<typeof fetchResponse> {
  return {
    responses: times(topics, (i) => ({
      topic: `a-topic-${i}`,
      topicId,
      partitions: times(partitions, (partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 5_000_000_000,
        lastStableOffset: 5_000_000_000,
        logStartOffset: 0,
        records: [batch, batch]
      }))
    }))
  }
}

function produceBody(topics: number, partitions: number): InputOf<typeof produceRequest> {
  return {
    acks: -1,
    timeoutMs: 30000,
    topicData: times(topics, (i) => ({
      name: `a-topic-${i}`,
      topicId,
      partitionData: times(partitions, (index) => ({ index, records: batch }))
    }))
  }
}

function produceAnswer(topics: number, partitions: number): InputOf<typeof produceResponse> {
  return {
    responses: times(topics, (i) => ({
      name: `a-topic-${i}`,
      topicId,
      partitionResponses: times(partitions, (index) => ({
        index,
        errorCode: 0,
        baseOffset: 5_000_000_000,
        logStartOffset: 0
      }))
    }))
  }
}

/** Keeps results alive, so that no call is optimised away. */
let sink: unknown

function nanosecondsOf(call: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  let calls = 200
  for (let round = 0; round < 80; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) sink = call()
    const spent = Number(process.hrtime.bigint() - start)
    best = Math.min(best, spent / calls)
    calls = Math.max(20, Math.round(3_000_000 / best))
  }
  return best
}

function decodeRequest(message: AnyMessage, frame: Buffer): unknown {
  const reader = new Reader(frame)
  const { version } = readRequestHeader(reader)
  return readRequestBody(message, version, reader)
}

function line(
  message: AnyMessage,
  version: number,
  size: string,
  frame: Buffer,
  body: object
): void {
  const isRequest = message.direction === 'request'
  const decode = isRequest
    ? () => decodeRequest(message, frame)
    : () => decodeResponse(message, version, frame)
  const encode = isRequest
    ? () => encodeRequest(message, version, header, body)
    : () => encodeResponse(message, version, 77, body)
  const columns = [
    `${message.name} ${message.direction} v${version}`.padEnd(22),
    size.padStart(6),
    nanosecondsOf(decode).toFixed(0).padStart(9),
    nanosecondsOf(encode).toFixed(0).padStart(9)
  ]
  console.log(columns.join(' '))
}

console.log(`${'nanoseconds a frame'.padEnd(22)}   size    decode    encode`)
for (const [topics, partitions] of [
  [1, 1],
  [10, 10]
] as const) {
  const size = `${topics}x${partitions}`
  const sides: [AnyMessage, AnyMessage, object, object, number[]][] = [
    [
      fetchRequest,
      fetchResponse,
      fetchBody(topics, partitions),
      fetchAnswer(topics, partitions),
      [11, 12, 17]
    ],
    [
      produceRequest,
      produceResponse,
      produceBody(topics, partitions),
      produceAnswer(topics, partitions),
      [7, 11, 13]
    ]
  ]
  for (const [ask, answer, body, answerBody, versions] of sides) {
    for (const version of versions) {
      const asked = Buffer.concat(encodeRequest(ask, version, header, body)).subarray(4)
      const answered = Buffer.concat(encodeResponse(answer, version, 77, answerBody)).subarray(4)
      line(ask, version, size, asked, body)
      line(answer, version, size, answered, answerBody)
    }
  }
}
if (sink === undefined) throw new Error('nothing was measured')
