import { gzipSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import t from 'tap'
import type { CodecName } from '../../../storage/batch/attributes.ts'
import { deflateSync, inflate } from '../../../storage/batch/compression.ts'
import { fixture } from '../../support/fixtures.ts'

const mebibyte = 1024 * 1024
/** 1 MiB that does not compress well, so that async paths are taken too. */
const noise = Buffer.alloc(mebibyte)
for (let i = 0, x = 12345; i < noise.length; i++) {
  x = (Math.imul(x, 1103515245) + 12345) >>> 0
  noise[i] = i % 5 === 0 ? 32 : x >>> 24
}
const plain = Buffer.from('isthmus '.repeat(2000))

/** The compressed part of a captured batch. */
const captured = (client: string, codec: CodecName) =>
  fixture(`kafka/batch-${client}-${codec}`).subarray(61)

for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
  t.test(`${codec} comes back, small and large`, async (t) => {
    for (const bytes of [Buffer.alloc(0), plain, noise]) {
      t.ok((await inflate(codec, deflateSync(codec, bytes))).equals(bytes))
    }
  })
}

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
  for (const client of ['java', 'librdkafka', 'java-large', 'librdkafka-large']) {
    t.test(
      `every truncation of ${client}'s ${codec} is refused or gives nothing new`,
      async (t) => {
        const block = captured(client, codec)
        const whole = await inflate(codec, block)
        t.ok(whole.length > 0)
        for (let length = 0; length < block.length; length++) {
          const result = await inflate(codec, block.subarray(0, length)).catch(
            (error) => error.code
          )
          // snappy-java's stream has no end: it may be cut between two of its blocks.
          const cutBetween =
            codec === 'snappy' && Buffer.isBuffer(result) && result.length < whole.length
          if (result !== 'corrupt' && !cutBetween)
            t.fail(`${length} bytes of ${block.length} were taken`)
        }
      }
    )

    t.test(`${client}'s ${codec} is refused beyond the limit, by one byte too`, async (t) => {
      const block = captured(client, codec)
      const whole = await inflate(codec, block)
      t.ok((await inflate(codec, block, whole.length)).equals(whole))
      await t.rejects(inflate(codec, block, whole.length - 1), { code: 'too-large' })
    })
  }

  t.test(`bytes that are no ${codec} are refused`, async (t) => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('isthmus'), Buffer.alloc(500, 0xff)]) {
      await t.rejects(inflate(codec, bytes), { code: 'corrupt' })
    }
  })
}

t.test('the Java producer\u2019s codecs all hold the same records', async (t) => {
  const small = captured('java', 'none')
  const large = await inflate('gzip', captured('java-large', 'gzip'))
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    t.ok((await inflate(codec, captured('java', codec))).equals(small), codec)
    t.ok((await inflate(codec, captured('java-large', codec))).equals(large), `${codec}, large`)
  }
})

t.test('bombs are refused before they are inflated', async (t) => {
  const zeros = Buffer.alloc(300 * mebibyte)
  const bombs = {
    gzip: gzipSync(zeros),
    snappy: compressSync(zeros),
    lz4: compressFrameSync(zeros)
  }
  for (const [codec, bomb] of Object.entries(bombs)) {
    const before = process.memoryUsage.rss()
    await t.rejects(inflate(codec as CodecName, bomb), { code: 'too-large' })
    const grown = process.memoryUsage.rss() - before
    t.ok(grown < 200 * mebibyte, `${codec} took ${grown} bytes more`)
  }
  // Zstandard: a frame of run-length blocks, each 4 bytes for 128 KiB.
  const header = Buffer.from('28b52ffd0058', 'hex')
  const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
  const last = Buffer.from([0x03, 0x00, 0x10, 0x61])
  const fine = Buffer.concat([header, block, block, last])
  t.ok((await inflate('zstd', fine)).equals(Buffer.alloc(3 * 131072, 'a')))
  const bomb = Buffer.concat([header, ...Array<Buffer>(2000).fill(block), last])
  await t.rejects(inflate('zstd', bomb), { code: 'too-large' })
})

t.test('a size that the bytes cannot hold is refused, not allocated', async (t) => {
  const snappy = Buffer.from('ffffff7f00', 'hex')
  await t.rejects(inflate('snappy', snappy, 2 ** 40), { code: 'corrupt' })
  const zstd = Buffer.from('28b52ffde0ffffffff7f000000030000', 'hex')
  await t.rejects(inflate('zstd', zstd, 2 ** 50), { code: 'corrupt' })
})

t.test('several LZ4 frames and frames with all checksums are read whole', async (t) => {
  const one = compressFrameSync(plain, { contentChecksum: true, blockChecksums: true })
  const two = compressFrameSync(noise)
  t.ok((await inflate('lz4', one)).equals(plain))
  t.ok((await inflate('lz4', Buffer.concat([one, two]))).equals(Buffer.concat([plain, noise])))
  const bent = Buffer.from(one)
  bent[bent.length - 1]! ^= 1
  await t.rejects(inflate('lz4', bent), { code: 'corrupt' })
})

t.test('an LZ4 frame of small blocks declared large is measured exactly', async (t) => {
  // FLG 0x60 (version 1, independent blocks), BD 0x70 (4 MiB), header checksum, 40 blocks of 4 literals.
  const head = Buffer.from('04224d18607073', 'hex')
  const block = Buffer.from('0500000040' + '61626364', 'hex')
  const frame = Buffer.concat([head, ...Array<Buffer>(40).fill(block), Buffer.alloc(4)])
  t.ok((await inflate('lz4', frame, 160)).equals(Buffer.from('abcd'.repeat(40))))
  await t.rejects(inflate('lz4', frame, 159), { code: 'too-large' })
})
