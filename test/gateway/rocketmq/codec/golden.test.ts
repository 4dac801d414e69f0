import t, { type Test } from 'tap'
import {
  type AnyBody,
  type AnyHeader,
  type AnyType,
  bytes,
  type Command,
  decodeCommand,
  encodeCommand,
  noBody,
  ParameterError,
  ProtocolError,
  parseJson
} from '../../../../gateway/rocketmq/codec/index.ts'
import { responseCodes } from '../../../../gateway/rocketmq/response-codes.ts'
import { type Fixture, rocketmqFixtures } from '../../../support/rocketmq-fixtures.ts'
import { declaredRequests } from '../../../support/rocketmq-requests.ts'

/*
 * Frames captured from real clients and a real server. The JSON beside each was written by RocketMQ's own decoder
 * (test/clients/rocketmq/FrameFacts.java), so that our reader is not its own judge.
 */

const fixtures = rocketmqFixtures()
const declared = new Map((await declaredRequests()).map(({ name, request }) => [name, request]))

/** Fields that clients send, or the real server answers, and no declaration wants. */
const unreadFields = new Set([
  // Where static topics, streams and name spaces are.
  'bname',
  'lo',
  'ReqT',
  // The real server's answers to sends and recalls alike.
  'MSG_REGION',
  'TRACE_ON'
])
/** The same in bodies. */
const unreadNames = new Set([
  // Static topics.
  'mappingDataVersion',
  'topicQueueMappingDetailMap',
  'topicQueueMappingInfoMap',
  // What fastjson makes of Java's getters.
  'minTimeStampStr',
  'maxTimeStampStr',
  'consumeTimeStampStr',
  // Empty in a client's answer: the server's own has it.
  'consumerTable'
])

/** Answers that have all that their declaration says. */
const whole: readonly number[] = [
  responseCodes.SUCCESS,
  responseCodes.PULL_NOT_FOUND,
  responseCodes.PULL_RETRY_IMMEDIATELY,
  responseCodes.PULL_OFFSET_MOVED
]

const javaLongMax = '9223372036854775807'
const safeMax = `${Number.MAX_SAFE_INTEGER}`

function encoded(command: Command): Buffer {
  return Buffer.concat(encodeCommand(command, [command.body])).subarray(4)
}

t.test('there is a captured request of every code that is declared', async (t) => {
  const asked = new Set(
    fixtures
      .filter(({ direction }) => direction === 'request' || direction === 'push')
      .map(({ name }) => name)
  )
  const missing = [...declared.keys()].filter((name) => !asked.has(name))
  t.strictSame(missing, [])
  for (const serialization of ['JSON', 'ROCKETMQ'] as const) {
    const carried = fixtures.filter(({ facts }) => facts.serialization === serialization)
    t.ok(carried.length > 30, serialization)
  }
})

for (const { file, name, direction, frame, facts } of fixtures) {
  t.test(file, async (t) => {
    const command = decodeCommand(frame)
    t.strictSame(factsOf(command, facts), { ...facts, fields: withoutNull(facts.fields) })
    checkEncoding(t, command, frame)
    t.strictSame(acceptedCuts(frame), [], 'every cut of the header is refused')
    const request = declared.get(name)!
    if (direction === 'request' || direction === 'push') {
      checkHeader(t, request.header, command)
      checkBody(t, request.body, command, facts.json)
    } else if (whole.includes(command.code)) {
      checkHeader(t, request.responseHeader, command)
      checkBody(t, request.responseBody, command, facts.json)
    }
  })
}

/** Java reads an empty text in a binary header as null. */
function withoutNull(fields: Fixture['facts']['fields']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value ?? '']))
}

/** What was decoded, as FrameFacts tells it. */
function factsOf(command: Command, { json, body }: Fixture['facts']): Fixture['facts'] {
  const { code, language, version, opaque, flag, remark, serialization, fields } = command
  const text = command.body.toString('utf8')
  return {
    code,
    language,
    version,
    opaque,
    flag,
    remark,
    serialization: serialization === 'json' ? 'JSON' : 'ROCKETMQ',
    fields: Object.fromEntries([...fields].sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(json === undefined ? {} : { json: plain(parseJson(text)) }),
    ...(body === undefined ? {} : { body: command.body.toString('base64') })
  }
}

/** Names sorted, those that are objects too. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => {
    const key = name.startsWith('{') ? JSON.stringify(plain(JSON.parse(name))) : name
    return [key, plain(one)] as const
  })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Java's order of keys is ours, but for empty fields, which it writes now and then; Go has another one. */
function checkEncoding(t: Test, command: Command, frame: Buffer): void {
  const again = encoded(command)
  if (command.serialization === 'binary') {
    t.equal(again.toString('hex'), frame.toString('hex'))
    return
  }
  if (command.language === 'JAVA') {
    const text = frame.toString('latin1', 4).replace('"extFields":{},', '')
    t.equal(again.toString('latin1', 4), text)
    return
  }
  const json = (bytes: Buffer) => {
    const header = bytes.toString('utf8', 4, 4 + bytes.readUIntBE(1, 3))
    return { remark: '', extFields: {}, serializeTypeCurrentRPC: 'JSON', ...JSON.parse(header) }
  }
  t.strictSame(json(again), json(frame))
  t.strictSame(decodeCommand(again), command)
}

/** Every length below, or of what is long some 500. */
function cutsOf(length: number): number[] {
  const step = Math.ceil(length / 500)
  return Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step)
}

/** Lengths at which a header that was cut was read, or refused with anything but ProtocolError. */
function acceptedCuts(frame: Buffer): number[] {
  const accepted: number[] = []
  const headerBytes = frame.readUIntBE(1, 3)
  for (const length of cutsOf(headerBytes)) {
    const cut = Buffer.from(frame.subarray(0, 4 + length))
    const told = Buffer.from(cut)
    told.writeUIntBE(length, 1, 3)
    for (const bytes of [frame.subarray(0, Math.min(length, 4)), cut, told]) {
      try {
        decodeCommand(bytes)
        accepted.push(length)
      } catch (error) {
        if (!(error instanceof ProtocolError)) accepted.push(length)
      }
    }
  }
  return accepted
}

/** What is declared is read and written as it came; nothing that came is passed over but what is known to be. */
function checkHeader(t: Test, header: AnyHeader, { fields }: Command): void {
  const values = header.read(fields)
  const written = header.write(values as never)
  for (const [wireName, value] of fields) {
    // None, in the binary header.
    if (value === '' && !written.has(wireName)) continue
    const isClamped = value === javaLongMax && written.get(wireName) === safeMax
    if (isClamped) continue
    if (header.wireNames.includes(wireName)) t.equal(written.get(wireName), value, wireName)
    else t.ok(unreadFields.has(wireName), `${wireName} is not declared`)
  }
  for (const [wireName, value] of written) {
    if (fields.has(wireName)) continue
    const [, type] = Object.entries(header.fields)[header.wireNames.indexOf(wireName)]!
    t.equal(value, type.toText(type.ifAbsent?.() as never), `${wireName} is the default`)
  }
}

function checkBody(t: Test, body: AnyBody, command: Command, json: unknown): void {
  if (body === noBody) t.equal(command.body.length, 0)
  else if (body === bytes) t.ok(body.read(command.body))
  else if (json === undefined) {
    const [again] = body.write(body.read(command.body) as never)
    t.equal(again?.toString(), command.body.toString())
  } else {
    const [again] = body.write(body.read(command.body) as never)
    t.strictSame(plain(parseJson(again!.toString())), declaredPart(t, body.type!, json))
    const refused = (length: number) => {
      try {
        body.read(command.body.subarray(0, length))
        return false
      } catch (error) {
        return error instanceof ParameterError
      }
    }
    const accepted = cutsOf(command.body.length).filter((length) => !refused(length))
    t.strictSame(accepted, [], 'every cut of the body is refused')
  }
}

/** What a declaration reads of a body: other names must be known, and what is absent has its default. */
function declaredPart(t: Test, type: AnyType, value: unknown): unknown {
  const { shape } = type
  // Go says the codes of tags as texts.
  if (shape.kind === 'int') return Number(value)
  if (value === null || typeof value !== 'object') return value
  if (shape.kind === 'list') {
    return (value as unknown[]).map((one) => declaredPart(t, shape.element, one))
  }
  const part: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    if (shape.kind === 'table' || shape.kind === 'keyed') {
      if (one !== null) part[name] = declaredPart(t, shape.element, one)
    } else if (shape.kind === 'struct') {
      const field = shape.fields[name]
      if (field === undefined) t.ok(unreadNames.has(name), `${name} is not declared`)
      else if (one !== null) part[name] = declaredPart(t, field, one)
    }
  }
  if (shape.kind === 'struct') {
    for (const [name, field] of Object.entries(shape.fields)) {
      const absent = part[name] === undefined ? field.ifAbsent?.() : undefined
      if (absent !== undefined) part[name] = plain(parseJson(field.toJson(absent as never)))
    }
  }
  return plain(part)
}
