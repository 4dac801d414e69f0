/** Kafka's frames. */
import assert from 'node:assert/strict'
import { inspect, isDeepStrictEqual } from 'node:util'
import {
  type AnyMessage,
  ProtocolError,
  Reader,
  readRequestBody,
  readRequestHeader
} from '../../gateway/kafka/codec/index.ts'
import { routes } from '../../gateway/kafka/routes.ts'
import { type FilledBody, filledFor } from '../support/kafka-filled.ts'
import { type Decoded, decodeFrame, encodeFrame, kafkaFixtures } from '../support/kafka-fixtures.ts'
import type { FuzzTarget } from './fuzz.ts'

/** Every request and response that is served, in every version. */
function* served(part: 'request' | 'response'): Generator<[AnyMessage, number]> {
  for (const route of routes) {
    const message = route[part]
    for (let version = message.versions[0]; version <= message.versions[1]; version++) {
      yield [message, version]
    }
  }
}

const framesOf = (message: AnyMessage, version: number): Buffer[] =>
  filledFor(message, version).map((one: FilledBody) => one.frame)

function decodedOrRefused(message: AnyMessage, version: number, frame: Buffer) {
  try {
    return decodeFrame(message, version, frame)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/**
 * What was read can be written, and is then read as the same and written as the same. Texts that are no UTF-8 are read
 * with U+FFFD, which takes more bytes, so that they may be too long to be written.
 */
function assertSameAgain(message: AnyMessage, version: number, decoded: Decoded): void {
  let frame: Buffer
  try {
    frame = encodeFrame(message, version, decoded)
  } catch (error) {
    const all = { depth: 100, maxArrayLength: null, maxStringLength: null }
    if (error instanceof TypeError && inspect(decoded, all).includes('\ufffd')) return
    throw error
  }
  const again = decodeFrame(message, version, frame)
  assert(isDeepStrictEqual(again.body, decoded.body), 'it is read as another')
  assert(encodeFrame(message, version, again).equals(frame), 'it is written as another')
}

export const kafkaRequests: FuzzTarget = {
  name: 'kafka-requests',
  claim: 'a frame is a request of a route, to be written again as it was read, or a ProtocolError',
  seeds: () => [
    ...kafkaFixtures()
      .filter(({ message }) => message.direction === 'request')
      .map(({ frame }) => frame),
    ...[...served('request')].flatMap(([message, version]) => framesOf(message, version))
  ],
  check: (input) => {
    const reader = new Reader(input)
    try {
      const { apiKey, version, correlationId, clientId } = readRequestHeader(reader)
      const route = routes.find(({ request }) => request.key === apiKey)
      if (!route?.request.serves(version)) return false
      const body = readRequestBody(route.request, version, reader)
      assertSameAgain(route.request, version, { correlationId, clientId, body })
      return true
    } catch (error) {
      if (error instanceof ProtocolError) return false
      throw error
    }
  }
}

/** Two bytes in front say which message and which version. */
const responses = [...served('response')]

export const kafkaResponses: FuzzTarget = {
  name: 'kafka-responses',
  claim: 'a response is read, to be written again as it was read, or a ProtocolError',
  seeds: () => [
    ...responses.flatMap(([message, version], index) =>
      framesOf(message, version).map((frame) => chosen(index, frame))
    ),
    ...kafkaFixtures().flatMap(({ message, version, frame }) => {
      const index = responses.findIndex((one) => one[0] === message && one[1] === version)
      return index < 0 ? [] : [chosen(index, frame)]
    })
  ],
  check: (input) => {
    if (input.length < 2) return false
    const choice = responses[input.readUInt16BE(0) % responses.length]
    if (choice === undefined) return false
    const decoded = decodedOrRefused(...choice, input.subarray(2))
    if (decoded !== undefined) assertSameAgain(...choice, decoded)
    return decoded !== undefined
  }
}

function chosen(index: number, frame: Buffer): Buffer {
  const choice = Buffer.alloc(2)
  choice.writeUInt16BE(index)
  return Buffer.concat([choice, frame])
}
