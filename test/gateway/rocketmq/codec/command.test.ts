import t from 'tap'
import {
  bigLong,
  bool,
  clampedLong,
  decodeCommand,
  defaulted,
  encodeCommand,
  frameLengthMax,
  header,
  int,
  json,
  keyed,
  list,
  long,
  nearestLong,
  optional,
  ParameterError,
  ProtocolError,
  parseJson,
  propertyLines,
  struct,
  table,
  text
} from '../../../../gateway/rocketmq/codec/index.ts'

function jsonFrame(headerText: string, body = ''): Buffer {
  const head = Buffer.from(headerText)
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(head.length)
  return Buffer.concat([prefix, head, Buffer.from(body)])
}

const plain = {
  serialization: 'json',
  code: 10,
  language: 'JAVA',
  version: 479,
  opaque: 1,
  flag: 0,
  remark: null,
  fields: new Map<string, string>()
} as const

t.test('a JSON header is read as fastjson reads it', async (t) => {
  const frame = jsonFrame(
    `{code:"34",'language':"KLINGON",opaque:-5,"flag":null,remark:12,,extFields:{a:1,b:true,c:null,d:"x\u0001\\u0002",e:{z:1}},x:[1,],}`,
    'body'
  )
  const { body, fields, ...rest } = decodeCommand(frame)
  t.strictSame(rest, {
    serialization: 'json',
    code: 34,
    language: 'OTHER',
    version: 0,
    opaque: -5,
    flag: 0,
    remark: '12'
  })
  t.strictSame(
    [...fields],
    [
      ['a', '1'],
      ['b', 'true'],
      ['d', 'x\u0001\u0002'],
      ['e', '{"z":1}']
    ]
  )
  t.equal(body.toString(), 'body')
})

t.test('a JSON header that makes no sense is malformed', async (t) => {
  const bad = ['', '[]', 'null', '12', '{"code":1.5}', '{"opaque":2147483648}', '{"code":"x"}']
  const worse = ['{"code":[1]}', '{"extFields":[]}', '{"extFields":"a"}', '{"remark":{}}', '{} {}']
  for (const headerText of [...bad, ...worse, '{"code":1', `${'['.repeat(70)}x`]) {
    t.throws(() => decodeCommand(jsonFrame(headerText)), ProtocolError, headerText)
  }
})

t.test('a name that objects have from birth is a name like any other', async (t) => {
  const { fields } = decodeCommand(jsonFrame('{"extFields":{"__proto__":"a","toString":"b"}}'))
  t.strictSame(
    [...fields],
    [
      ['__proto__', 'a'],
      ['toString', 'b']
    ]
  )
  t.strictSame(Object.keys(parseJson('{__proto__:{a:1}}') as object), ['__proto__'])
})

t.test('frames have the size that clients take, and no more', async (t) => {
  const empty = encodeCommand(plain, [])[0]!.length - 4
  const fits = encodeCommand(plain, [Buffer.alloc(frameLengthMax - empty)])
  t.equal(fits[0]!.readInt32BE(0), frameLengthMax)
  t.throws(() => encodeCommand(plain, [Buffer.alloc(frameLengthMax - empty + 1)]), RangeError)
  t.throws(() => decodeCommand(Buffer.alloc(frameLengthMax + 1)), ProtocolError)
})

t.test('the body is passed on without a copy', async (t) => {
  const body = [Buffer.from('a'), Buffer.from('b')]
  const [, ...chunks] = encodeCommand(plain, body)
  t.ok(chunks.every((chunk, index) => chunk === body[index]))
})

t.test('lengths in a binary header that are not there are malformed', async (t) => {
  const start = '000a 00 01df 00000001 00000000'
  const cases = {
    'remark below 0': `${start} ffffffff 00000000`,
    'remark behind the end': `${start} 00000005 00000000`,
    'fields behind the end': `${start} 00000000 00000001`,
    'fields below 0': `${start} 00000000 80000000`,
    'name below 0': `${start} 00000000 00000006 ffff 00000000`,
    'value behind the fields': `${start} 00000000 00000007 0001 61 00000001 62`,
    'value cut': `${start} 00000000 00000009 0001 61 00000003 6263`
  }
  for (const [name, hex] of Object.entries(cases)) {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    const prefix = Buffer.from([1, 0, 0, bytes.length])
    t.throws(() => decodeCommand(Buffer.concat([prefix, bytes])), ProtocolError, name)
  }
  const unknown = Buffer.from(
    `01000015${start.replace(' 00 ', ' 63 ')}0000000000000000`.replaceAll(' ', ''),
    'hex'
  )
  t.match(decodeCommand(unknown), { language: 'OTHER', remark: null })
})

t.test('a binary header cannot carry a code of more than 16 bits', async (t) => {
  const binary = { ...plain, serialization: 'binary' } as const
  t.throws(() => encodeCommand({ ...binary, code: 200_050 }, []), RangeError)
  t.equal(
    decodeCommand(encodeCommand({ ...plain, code: 200_050 }, [])[0]!.subarray(4)).code,
    200_050
  )
})

t.test('numbers keep to the range of their type', async (t) => {
  const of = header({ int, long, clampedLong, nearestLong, bigLong })
  const good = { int: '-2147483648', long: '+5', clampedLong: '-1', nearestLong: '7', bigLong: '8' }
  const read = (changed: Record<string, string>) =>
    of.read(new Map(Object.entries({ ...good, ...changed })))
  t.strictSame(read({}), { int: -(2 ** 31), long: 5, clampedLong: -1, nearestLong: 7, bigLong: 8n })
  const javaMax = '9223372036854775807'
  const atEnds = read({
    clampedLong: javaMax,
    nearestLong: '1795394284112861409',
    bigLong: javaMax
  })
  t.equal(atEnds.clampedLong, Number.MAX_SAFE_INTEGER)
  t.equal(atEnds.nearestLong, 1795394284112861400)
  t.equal(atEnds.bigLong, 2n ** 63n - 1n)
  t.equal(of.write(atEnds).get('bigLong'), javaMax)
  for (const [name, value] of [
    ['int', '2147483648'],
    ['int', '1.0'],
    ['int', ' 1'],
    ['int', '0x1'],
    ['int', ''],
    ['long', '9007199254740992'],
    ['bigLong', '9223372036854775808'],
    ['clampedLong', 'never']
  ] as const) {
    t.throws(() => read({ [name]: value }), ParameterError, `${name} ${value}`)
  }
})

t.test('an empty text is no value, but where a text must be', async (t) => {
  const of = header({
    topic: text,
    tag: optional(text),
    filter: defaulted(text, '*'),
    on: optional(bool)
  })
  const read = of.read(new Map(['topic', 'tag', 'filter', 'on'].map((name) => [name, ''])))
  t.strictSame(read, { topic: '', tag: undefined, filter: '*', on: undefined })
})

const queue = struct({ topic: text, queueId: int })
const stats = json(
  struct({ table: keyed(queue, long), names: table(list(text)), note: optional(text) })
)

t.test(
  'maps keyed by objects are read in both spellings, and written as fastjson does',
  async (t) => {
    const native =
      '{"names":{"a":["b"]},"table":{{"queueId":1,"topic":"t"}:5,{topic:"u",queueId:"2"}:"6"}}'
    const quoted = String.raw`{"table":{"{\"queueId\":1,\"topic\":\"t\"}":5,"{\"topic\":\"u\",\"queueId\":2}":6},"names":{"a":["b"],"c":null},"more":1}`
    const value = {
      table: [
        [{ topic: 't', queueId: 1 }, 5],
        [{ topic: 'u', queueId: 2 }, 6]
      ] as const,
      names: new Map([['a', ['b']]]),
      note: undefined
    }
    for (const spelling of [native, quoted]) {
      t.strictSame(stats.read(Buffer.from(spelling)), value)
    }
    const written = Buffer.concat(stats.write(value)).toString()
    t.equal(
      written,
      '{"names":{"a":["b"]},"table":{{"queueId":1,"topic":"t"}:5,{"queueId":2,"topic":"u"}:6}}'
    )
  }
)

t.test('a body that lacks what it needs is refused, and the field is named', async (t) => {
  const cases = {
    '': 'the body is missing',
    '{"table":[]}': 'the field body.table is no object',
    '{"table":{"{}":1}}': 'the field body.table.{}.topic is missing',
    '{"table":{"x":1}}': "the body.table.x is no JSON: 'x' is no value",
    '{"table":{{"queueId":1,"topic":"t"}:null}}':
      'the field body.table.{"queueId":1,"topic":"t"} is missing',
    '{"names":{"a":[{}]}}': 'the field body.names.a[0] is no text',
    '[]': 'the field body is no object',
    '{': "the body is no JSON: '}' is missing at character 1"
  }
  for (const [body, message] of Object.entries(cases)) {
    t.throws(() => stats.read(Buffer.from(body)), { name: 'ParameterError', message }, body)
  }
  t.strictSame(stats.read(Buffer.from('{}')), { table: [], names: new Map(), note: undefined })
})

t.test('property texts are read as Java reads simple ones', async (t) => {
  const properties = propertyLines.read(Buffer.from('# no\r\na = b=c\r\n\n! no\nd:e\nflag\n'))
  t.strictSame(
    [...properties],
    [
      ['a', 'b=c'],
      ['d', 'e'],
      ['flag', '']
    ]
  )
  t.equal(propertyLines.write(new Map([['a', 'b']]))[0]!.toString(), 'a=b\n')
})
