/*
 * Every declared request with every field filled: through both serialisations, in both spellings. What is declared is
 * walked, so a request that is added is tested.
 */
import t from 'tap'
import {
  type AnyBody,
  type AnyHeader,
  type AnyType,
  bytes,
  decodeCommand,
  encodeCommand,
  noBody,
  propertyLines
} from '../../../../gateway/rocketmq/codec/index.ts'
import { requestCodes } from '../../../../gateway/rocketmq/request-codes.ts'
import { camelCaseOf, declaredRequests } from '../../../support/rocketmq-requests.ts'

const declared = await declaredRequests()

/** No two values that a test makes are alike, but for those of booleans. */
let values = 0

function filled(type: AnyType): unknown {
  const n = ++values
  const { shape } = type
  switch (shape.kind) {
    case 'text':
      return `té"\u0001\n${n}`
    case 'int':
      return -n
    case 'long':
      return 2 ** 41 + n
    case 'bigLong':
      return 2n ** 62n
    case 'double':
      return n + 0.25
    case 'bool':
      return type.ifAbsent?.() !== true
    case 'list':
      return [filled(shape.element), filled(shape.element)]
    case 'table':
      return new Map(['%RETRY%g', '0'].map((name) => [name, filled(shape.element)]))
    case 'keyed':
      return [1, 2].map(() => [filled(shape.key), filled(shape.element)])
    case 'struct':
      return filledFields(shape.fields)
  }
}

function filledFields(fields: Readonly<Record<string, AnyType>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, type]) => [name, filled(type)] as const)
  )
}

function filledBody(body: AnyBody): unknown {
  if (body === noBody) return undefined
  if (body === bytes) return Buffer.from([0, 255, 1])
  if (body === propertyLines) return new Map([['a', 'b=c:d']])
  return filled(body.type!)
}

/** Through a frame of each serialisation; gives what was read of the last. */
function passThrough(header: AnyHeader, body: AnyBody, values: unknown, content: unknown) {
  const read = (['json', 'binary'] as const).map((serialization) => {
    const fields = header.write(values as never)
    const start = { serialization, code: 7, language: 'GO', version: 317, opaque: -1 } as const
    const command = { ...start, flag: 1, remark: 'ä', fields }
    const frame = Buffer.concat(encodeCommand(command, body.write(content as never)))
    const decoded = decodeCommand(frame.subarray(4))
    t.equal(frame.readInt32BE(0), frame.length - 4)
    t.match(decoded, { ...start, flag: 1, remark: 'ä' })
    t.strictSame(decoded.fields, fields, 'the fields are the same, and texts')
    return { header: header.read(decoded.fields), body: body.read(decoded.body) }
  })
  t.strictSame(read[0], read[1])
  return read[1]!
}

t.test(
  'each request code has one declaration, in the file and by the name of the code',
  async (t) => {
    const names = declared.map(({ name }) => name)
    t.strictSame(names.toSorted(), Object.keys(requestCodes).toSorted())
    for (const { name, exported } of declared) t.equal(exported, `${camelCaseOf(name)}Request`)
  }
)

for (const { name, request } of declared) {
  t.test(`${name}, with every field`, async (t) => {
    const directions = [
      [request.header, request.body],
      [request.responseHeader, request.responseBody]
    ] as const
    for (const [header, body] of directions) {
      const values = filledFields(header.fields)
      const content = filledBody(body)
      t.strictSame(passThrough(header, body, values, content), { header: values, body: content })
    }
  })

  t.test(`${name}, with what must be there alone`, async (t) => {
    for (const header of [request.header, request.responseHeader]) {
      const required = Object.fromEntries(
        Object.entries(header.fields)
          .filter(([, type]) => !type.mayOmit)
          .map(([field, type]) => [field, filled(type)] as const)
      )
      const fields = header.write(required as never)
      const read = header.read(fields)
      t.match(read, required)
      t.strictSame(Object.keys(read), Object.keys(header.fields), 'every field is there')
      for (const wireName of fields.keys()) {
        const lacking = new Map(fields)
        lacking.delete(wireName)
        const [field] = Object.keys(header.fields).filter(
          (_, index) => header.wireNames[index] === wireName
        )
        if (header.fields[field!]!.mayOmit) t.doesNotThrow(() => header.read(lacking))
        else
          t.throws(() => header.read(lacking), { message: /is missing$/ }, `${field} is required`)
      }
    }
  })
}

t.test('a batch, a reply and a plain message have one meaning in two spellings', async (t) => {
  const of = (name: string) => declared.find((one) => one.name === name)!.request.header
  const worded = of('SEND_MESSAGE')
  const lettered = of('SEND_MESSAGE_V2')
  const values = filledFields(worded.fields)
  const letters = lettered.write(values as never)
  t.strictSame([...letters.keys()].toSorted(), [...'abcdefghijklmn'])
  t.strictSame(lettered.read(letters), worded.read(worded.write(values as never)))
  t.throws(() => worded.read(letters), { message: 'the field producerGroup is missing' })
  t.throws(() => lettered.read(new Map()), { message: 'the field producerGroup (a) is missing' })
  t.strictSame(of('SEND_REPLY_MESSAGE').wireNames, worded.wireNames)
  t.strictSame(of('SEND_REPLY_MESSAGE_V2').wireNames, lettered.wireNames)
  t.strictSame(of('SEND_BATCH_MESSAGE').wireNames, lettered.wireNames)
})
