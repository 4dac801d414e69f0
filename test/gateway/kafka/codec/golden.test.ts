import t from 'tap'
import {
  type AnyField,
  type AnyMessage,
  apiKeys,
  array,
  type Fields,
  Message,
  ProtocolError,
  string,
  struct
} from '../../../../gateway/kafka/codec/index.ts'
import { decodeFrame, encodeFrame, kafkaFixtures } from '../../../support/kafka-fixtures.ts'
import { kafkaJsonOf } from '../../../support/kafka-json.ts'

/*
 * Frames captured from real clients and a real broker. The JSON beside each was written by kafka-
 * clients' own readers (test/clients/java/FrameFacts.java), so that our reader is not its own
 * judge.
 */

const fixtures = kafkaFixtures()

t.test('there is a captured frame of every API, in both directions', async (t) => {
  const captured = new Set(fixtures.map(({ message }) => `${message.name} ${message.direction}`))
  for (const name of Object.keys(apiKeys)) {
    t.ok(captured.has(`${name} request`), `${name} request`)
    t.ok(captured.has(`${name} response`), `${name} response`)
  }
})

for (const { file, message, version, frame, json } of fixtures) {
  t.test(file, async (t) => {
    const decoded = decodeFrame(message, version, frame)
    t.strictSame({ ...decoded, body: kafkaJsonOf(message, version, decoded.body) }, json)
    t.equal(encodeFrame(message, version, decoded).toString('hex'), frame.toString('hex'))
    t.strictSame(acceptedTruncations(message, version, frame), [], 'every truncation is refused')
    if (message.isFlexible(version)) {
      const wider = withUnknownTags(message)
      const tagged = encodeFrame(wider, version, { ...decoded, body: fillTags(decoded.body) })
      t.ok(tagged.length > frame.length)
      t.strictSame(decodeFrame(message, version, tagged), decoded, 'unknown tags are skipped')
    }
  })
}

t.test('unknown tags in a request header are skipped', async (t) => {
  const fixture = fixtures.find(({ file }) => file === 'fetch-v18-java-request.hex')!
  const { message, version, frame } = fixture
  const decoded = decodeFrame(message, version, frame)
  const at = 10 + frame.readInt16BE(8)
  t.equal(frame[at], 0, 'no tags are sent')
  const tags = Buffer.from('02 05 03 aabbcc 8101 00'.replaceAll(' ', ''), 'hex')
  const wider = Buffer.concat([frame.subarray(0, at), tags, frame.subarray(at + 1)])
  t.strictSame(decodeFrame(message, version, wider), decoded)
})

/** Lengths at which a cut frame was read, or refused with anything but ProtocolError. */
function acceptedTruncations(message: AnyMessage, version: number, frame: Buffer): number[] {
  const accepted: number[] = []
  for (let length = 0; length < frame.length; length++) {
    try {
      decodeFrame(message, version, frame.subarray(0, length))
      accepted.push(length)
    } catch (error) {
      if (!(error instanceof ProtocolError)) accepted.push(length)
    }
  }
  return accepted
}

/** The same declaration with two more tagged fields in every struct. */
function withUnknownTags(message: AnyMessage): AnyMessage {
  return new Message(
    message.direction,
    message.key,
    message.versions,
    message.advertise,
    message.firstFlexible,
    widen(message.body.shape.fields!)
  )
}

function widen(fields: Fields): Fields {
  const wider = Object.entries(fields).map(([name, field]) => [name, widenField(field)] as const)
  return {
    ...Object.fromEntries(wider),
    zzUnknown: string.tagged(77),
    zzUnknownToo: string.tagged(100_000)
  }
}

function widenField(field: AnyField): AnyField {
  const { shape } = field
  const { since, until, nullableSince, tag, fallback } = shape
  const kept = { since, until, nullableSince, tag, fallback }
  if (shape.kind === 'struct') return copyOf(struct(widen(shape.fields!)), kept)
  if (shape.kind === 'array') return copyOf(array(widenField(shape.element!)), kept)
  return field
}

function copyOf(field: AnyField, kept: Partial<AnyField['shape']>): AnyField {
  return new (field.constructor as new (shape: unknown) => AnyField)({ ...field.shape, ...kept })
}

function fillTags<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(fillTags) as Value
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  const filled = Object.entries(value).map(([name, inner]) => [name, fillTags(inner)] as const)
  const long = 'long enough for a length of two bytes '.repeat(5)
  return { ...Object.fromEntries(filled), zzUnknown: 'x', zzUnknownToo: long } as Value
}
