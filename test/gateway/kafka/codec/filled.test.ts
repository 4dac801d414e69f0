import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { compileRead } from '../../../../gateway/kafka/codec/decode.ts'
import { type AnyMessage, Reader } from '../../../../gateway/kafka/codec/index.ts'
import { decodeFrame, encodeFrame } from '../../../support/kafka-fixtures.ts'
import { kafkaJsonOf } from '../../../support/kafka-json.ts'
import { allMessages, messageNamed } from '../../../support/kafka-schemas.ts'

/*
 * Bodies that kafka-clients encoded (test/clients/java/FilledMessages.java): every field of every
 * version, none at its default; of equal bytes only the first version is told. What no client
 * happens to send is proven here.
 */

type Filled = {
  readonly message: string
  readonly version: number
  readonly hex: string
  readonly value: unknown
}

const lines = readFileSync('test/fixtures/kafka/filled.jsonl', 'utf8').trim().split('\n')
const allFilled = lines.map((line) => JSON.parse(line) as Filled)

/** A version that is not told has the bytes of the last one that is. */
function filledFor(message: AnyMessage, version: number): Filled[] {
  const name = `${message.name} ${message.direction}`
  const told = allFilled.filter((one) => one.message === name && one.version <= version)
  const last = Math.max(...told.map((one) => one.version))
  return told.filter((one) => one.version === last)
}

/** Reads a body, shows it as kafka-clients would, and writes it again, in a frame. */
function passThrough(message: AnyMessage, version: number, bytes: Buffer) {
  const reader = new Reader(bytes)
  const read = compileRead(message.body, version, message.isFlexible(version))
  const body = read(reader) as Record<string, unknown>
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes are left`)
  const frame = encodeFrame(message, version, { correlationId: 1, clientId: null, body })
  return {
    json: kafkaJsonOf(message, version, body),
    encoded: frame.subarray(frame.length - bytes.length).toString('hex'),
    again: isDeepStrictEqual(decodeFrame(message, version, frame).body, body)
  }
}

for (const message of allMessages) {
  t.test(`${message.name} ${message.direction}`, async (t) => {
    for (let version = message.versions[0]; version <= message.versions[1]; version++) {
      const filled = filledFor(message, version)
      t.ok(filled.length > 0)
      for (const { hex, value } of filled) {
        const { json, encoded, again } = passThrough(message, version, Buffer.from(hex, 'hex'))
        t.strictSame({ json, encoded }, { json: value, encoded: hex }, `version ${version}`)
        t.ok(again, 'read in a frame, it is the same')
      }
    }
  })
}

t.test('each told message has a schema', async (t) => {
  for (const name of new Set(allFilled.map(({ message }) => message))) {
    const [api, direction] = name.split(' ')
    t.ok(messageNamed(api!, direction!))
  }
})
