import t from 'tap'
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import { inflateZstd } from '../../../storage/batch/zstd-frame.ts'
import { fixture } from '../../support/fixtures.ts'

const mebibyte = 1024 * 1024

/** Three blocks of it, with much that repeats near and far. */
function plainText(): Buffer {
  const words = ['queue', 'offset', 'segment', 'batch', 'record', 'group', 'commit', 'address']
  let text = ''
  let state = 1
  for (let i = 0; text.length < 300_000; i++) {
    state = (state * 1103515245 + 12345) % 2147483648
    const count = 1 + (state % 7)
    text += `${i} ${words[state % 8]} `.repeat(i % 97 === 0 ? 90 : count)
    if (i % 50 === 0) text += 'z'.repeat(state % 5000)
  }
  return Buffer.from(text)
}

for (const name of ['level-1', 'level-19', 'stream']) {
  t.test(`what the zstd tool made comes out as it went in: ${name}`, async (t) => {
    t.ok((await inflateZstd(fixture(`zstd/${name}`), mebibyte)).equals(plainText()))
  })
}

t.test(
  'every byte that is cut off or changed is refused, or gives something, in no time',
  async (t) => {
    const whole = fixture('zstd/level-1')
    const failures: unknown[] = []
    for (let at = 0; at < whole.length; at += 29) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x55
      for (const bytes of [whole.subarray(0, at), changed]) {
        await inflateZstd(bytes, mebibyte).catch((error) => {
          if (!(error instanceof CompressionError)) failures.push(error)
        })
      }
    }
    t.same(failures, [])
  }
)

t.test(
  'a kilobyte that stands for far more than its blocks may hold is refused at once',
  async (t) => {
    // What fuzzing found: fzstd would go on for hours.
    const block = fixture('fuzz/compressed-blocks-zstd-endless').subarray(1)
    await t.rejects(inflateZstd(block, mebibyte), { code: 'corrupt' })
  }
)
