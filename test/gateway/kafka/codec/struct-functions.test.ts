import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Reader, Writer } from '../../../../gateway/kafka/codec/bytes.ts'
import {
  structReadFunction,
  structWriteFunction
} from '../../../../gateway/kafka/codec/struct-functions.ts'

t.test('a struct is read in order, with the fallbacks of what is not read', async (t) => {
  const read = structReadFunction([
    { name: 'first', read: (reader) => reader.int8(), fallback: 0 },
    { name: 'absent', read: null, fallback: 'nothing' },
    { name: 'second', read: (reader) => reader.int8(), fallback: 0 }
  ])
  const struct = read(new Reader(Buffer.from([1, 2])))
  t.strictSame(struct, { first: 1, absent: 'nothing', second: 2 })
})

t.test('a struct is written in order, with the fallbacks of what is not given', async (t) => {
  const int8 = (writer: Writer, value: unknown): void => writer.int8(value as number)
  const fields = ['first', 'second'].map((name) => ({ name, write: int8, fallback: 9 }))
  const write = structWriteFunction(fields, ['other'])
  const writer = new Writer()
  t.equal(write(writer, { second: 2 }), false)
  t.equal(write(writer, { first: 1, second: 0, other: null }), true)
  t.strictSame([...Buffer.concat(writer.finish())], [9, 2, 1, 0])
})

t.test('what cannot name a field is refused: it would become source text', async (t) => {
  for (const name of ['a-b', 'a.b', 'A', '', 'a: 1, b', '__proto__']) {
    t.throws(() => structReadFunction([{ name, read: null, fallback: 0 }]), TypeError)
    t.throws(() => structWriteFunction([], [name]), TypeError)
  }
})

const withoutSourceText = '--disallow-code-generation-from-strings'

if (!process.execArgv.includes(withoutSourceText)) {
  t.test('all of it holds where no source text may be compiled', async (t) => {
    for (const test of ['struct-functions', 'golden']) {
      const file = fileURLToPath(new URL(`./${test}.test.js`, import.meta.url))
      const { status, stdout } = spawnSync(process.execPath, [withoutSourceText, file])
      t.equal(status, 0, `${test}: ${stdout.toString().slice(-500)}`)
    }
  })
}
