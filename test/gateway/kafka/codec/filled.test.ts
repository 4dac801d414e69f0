import { readFileSync } from 'node:fs'
import t from 'tap'
import { compileRead } from '../../../../gateway/kafka/codec/decode.ts'
import { type AnyMessage, Reader } from '../../../../gateway/kafka/codec/index.ts'
import { decodeFrame, encodeFrame } from '../../../support/kafka-fixtures.ts'
import { kafkaJsonOf } from '../../../support/kafka-json.ts'
import { allMessages, messageNamed } from '../../../support/kafka-schemas.ts'

/*
 * Bodies that kafka-clients encoded (test/clients/java/FilledMessages.java): every field of every version, none at its
 * default; of equal bytes only the first version is told. What no client happens to send is proven here.
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

for (const message of allMessages) {
  t.test(`${message.name} ${message.direction}`, async (t) => {
    for (let version = message.versions[0]; version <= message.versions[1]; version++) {
      const filled = filledFor(message, version)
      t.ok(filled.length > 0)
      for (const { hex, value } of filled) {
        const bytes = Buffer.from(hex, 'hex')
        const flexible = message.isFlexible(version)
        const reader = new Reader(bytes)
        const body = compileRead(message.body, version, flexible)(reader)
        t.equal(reader.remaining, 0)
        t.strictSame(kafkaJsonOf(message, version, body), value, `version ${version}`)
        const decoded = { correlationId: 1, clientId: null, body: body as Record<string, unknown> }
        const frame = encodeFrame(message, version, decoded)
        t.equal(frame.subarray(frame.length - bytes.length).toString('hex'), hex)
        const again = decodeFrame(message, version, frame)
        t.strictSame(again.body, body)
      }
    }
  })
}

t.test('each told message has a schema', async (t) => {
  for (const { message } of allFilled) {
    const [api, direction] = message.split(' ')
    t.ok(messageNamed(api!, direction!))
  }
})
