import t from 'tap'
import {
  frameElementsMax,
  Reader,
  slabBytes,
  Writer
} from '../../../../gateway/kafka/codec/bytes.ts'
import { compileRead } from '../../../../gateway/kafka/codec/decode.ts'
import { compileWrite } from '../../../../gateway/kafka/codec/encode.ts'
import {
  type AnyField,
  array,
  bytes,
  clamped64,
  float64,
  int8,
  int16,
  int32,
  int64,
  offset64,
  ProtocolError,
  records,
  string,
  struct,
  uuid
} from '../../../../gateway/kafka/codec/index.ts'
import { putUnsignedVarint, unsignedVarintBytes } from '../../../../gateway/kafka/codec/varint.ts'

function encode(field: AnyField, value: unknown, flexible = false): Buffer {
  const writer = new Writer()
  compileWrite(field, 0, flexible)(writer, value)
  return Buffer.concat(writer.finish())
}

function decode(field: AnyField, hex: string, flexible = false): unknown {
  return compileRead(field, 0, flexible)(new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
}

t.test('unsigned varints', async (t) => {
  const known: [number, string][] = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16383, 'ff7f'],
    [16384, '808001'],
    [2097151, 'ffff7f'],
    [2097152, '80808001'],
    [268435455, 'ffffff7f'],
    [268435456, '8080808001'],
    [4294967295, 'ffffffff0f']
  ]
  for (const [value, hex] of known) {
    const room = Buffer.alloc(5)
    const end = putUnsignedVarint(room, 0, value)
    t.equal(room.subarray(0, end).toString('hex'), hex)
    t.equal(unsignedVarintBytes(value), end)
    t.equal(new Reader(Buffer.from(hex, 'hex')).unsignedVarint(), value)
  }
  for (const bad of ['', '80', 'ffffffff', 'ffffffff10', 'ffffffffff0f']) {
    t.throws(() => new Reader(Buffer.from(bad, 'hex')).unsignedVarint(), ProtocolError, bad)
  }
})

t.test('integers at the ends of their ranges, and beyond', async (t) => {
  const ranges: [AnyField, number, number][] = [
    [int8, -128, 127],
    [int16, -32768, 32767],
    [int32, -2147483648, 2147483647],
    [offset64, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  ]
  for (const [field, least, most] of ranges) {
    for (const value of [least, -1, 0, most]) {
      t.equal(decode(field, encode(field, value).toString('hex')), value)
    }
    for (const value of [least - 1, most + 1, 0.5, Number.NaN, undefined, '1']) {
      t.throws(() => encode(field, value), TypeError, `${field.shape.kind} ${value}`)
    }
  }
  t.equal(decode(int64, '7fffffffffffffff'), 0x7fffffffffffffffn)
  t.equal(decode(float64, encode(float64, -0.1).toString('hex')), -0.1)
})

t.test('an int64 that is no safe integer', async (t) => {
  for (const hex of ['7fffffffffffffff', '8000000000000000', '0020000000000000']) {
    t.throws(() => decode(offset64, hex), ProtocolError)
  }
  t.equal(decode(clamped64, '7fffffffffffffff'), Number.MAX_SAFE_INTEGER)
  t.equal(decode(clamped64, '8000000000000000'), Number.MIN_SAFE_INTEGER)
  t.equal(decode(clamped64, 'fffffffffffffffe'), -2)
})

t.test(
  'text of every length, in both lengths, and of more than one byte a character',
  async (t) => {
    for (const value of ['', 'a', 'é', '水水水', 'x'.repeat(33), 'ü'.repeat(5000), '😀']) {
      for (const flexible of [false, true]) {
        const encoded = encode(string, value, flexible)
        t.equal(decode(string, encoded.toString('hex'), flexible), value)
        const head = flexible ? unsignedVarintBytes(Buffer.byteLength(value) + 1) : 2
        t.equal(encoded.length, head + Buffer.byteLength(value))
      }
    }
    t.throws(() => encode(string, 'x'.repeat(32768)), TypeError, 'too long for an int16')
  }
)

t.test('null only where it may be', async (t) => {
  for (const field of [string, bytes, array(int8)]) {
    t.throws(() => encode(field, null), TypeError)
    t.throws(() => decode(field, 'ffffffff'), ProtocolError)
    t.throws(() => decode(field, '00', true), ProtocolError)
    t.equal(decode(field.nullable(), 'ffffffff'), null)
    t.equal(decode(field.nullable(), '00', true), null)
    t.equal(
      decode(field.nullable(), encode(field.nullable(), null, true).toString('hex'), true),
      null
    )
  }
  t.equal(decode(struct({ a: int8 }).nullable(), 'ff'), null)
  t.strictSame(decode(struct({ a: int8 }).nullable(), '0105'), { a: 5 })
})

t.test('an id is 32 hexadecimal digits', async (t) => {
  const id = '000102030405060708090a0b0c0d0eff'
  t.equal(encode(uuid, id).toString('hex'), id)
  t.equal(decode(uuid, id), id)
  t.throws(() => encode(uuid, id.slice(1)), TypeError)
  t.throws(() => encode(uuid, 'z'.repeat(32)), TypeError)
})

t.test('more elements than a frame may hold are refused', async (t) => {
  const empty = array(array(int8))
  const rows = Buffer.alloc(frameElementsMax + 4, 1)
  const half = Buffer.from(`${varint(frameElementsMax + 1)}`, 'hex')
  const reader = new Reader(Buffer.concat([half, rows]))
  t.throws(() => compileRead(empty, 0, true)(reader), /more than 1000000 elements/)
})

function varint(value: number): string {
  const room = Buffer.alloc(5)
  return room.subarray(0, putUnsignedVarint(room, 0, value + 1)).toString('hex')
}

t.test('what successive writers wrote stays as it was', async (t) => {
  const written: { chunks: Buffer[]; length: number; wanted: string }[] = []
  for (let i = 0; i < 4000; i++) {
    const text = `${i}`.repeat(1 + (i % 40))
    const chunk = Buffer.from(`<${i}>`)
    const large = i % 500 === 0 ? 'L'.repeat(slabBytes + 10) : ''
    const writer = new Writer()
    const field = struct({ text: bytes, chunk: records, large: bytes, after: bytes })
    const value = {
      text: Buffer.from(text),
      chunk,
      large: Buffer.from(large),
      after: Buffer.from('!')
    }
    compileWrite(field, 0, false)(writer, value)
    const length = writer.length
    const chunks = writer.finish()
    written.push({ chunks, length, wanted: `${text}${chunk}${large}!` })
  }
  const wrong = written.filter(({ chunks, length, wanted }) => {
    const reader = new Reader(Buffer.concat(chunks))
    if (reader.remaining !== length) return true
    const parts = [0, 0, 0, 0].map(() => reader.text(reader.int32()))
    return parts.join('') !== wanted
  })
  t.equal(wrong.length, 0)
})

t.test('a failed encoding leaves the next one whole', async (t) => {
  const field = struct({ a: int32, b: int8 })
  t.throws(() => encode(field, { a: 1, b: 999 }), TypeError)
  t.equal(encode(field, { a: 2, b: 3 }).toString('hex'), '0000000203')
})
