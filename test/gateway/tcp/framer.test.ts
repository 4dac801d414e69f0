import t from 'tap'
import { FrameError, Framer } from '../../../gateway/tcp/framer.ts'
import { seededRandom } from '../../support/seeded-random.ts'

function framed(...bodies: Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(body.length)
      return [length, body]
    })
  )
}

function collect(frameBytesMax = 1 << 20) {
  const frames: Buffer[] = []
  const framer = new Framer(frameBytesMax, (frame) => frames.push(frame))
  return { frames, framer }
}

function refusal(push: () => void): FrameError | undefined {
  try {
    push()
  } catch (error) {
    if (error instanceof FrameError) return error
    throw error
  }
  return undefined
}

const bodies = [
  Buffer.from('first'),
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.alloc(300, 7),
  Buffer.alloc(0)
]

t.test('frames come out whole wherever the stream is split in two', async (t) => {
  const stream = framed(...bodies)
  for (let cut = 0; cut <= stream.length; cut++) {
    const { frames, framer } = collect()
    framer.push(stream.subarray(0, cut))
    framer.push(stream.subarray(cut))
    t.strictSame(frames, bodies, `split at ${cut}`)
    t.equal(framer.heldBytes, 0)
    t.notOk(framer.partial)
  }
})

t.test('frames come out whole byte by byte', async (t) => {
  const { frames, framer } = collect()
  for (const byte of framed(...bodies)) framer.push(Buffer.from([byte]))
  t.strictSame(frames, bodies)
  t.equal(framer.framesDone, bodies.length)
})

t.test('frames come out whole from chunks of any size', async (t) => {
  const random = seededRandom(t)
  for (let round = 0; round < 50; round++) {
    const sent = Array.from({ length: 20 }, () => random.bytes(random.integer(40_000)))
    const stream = framed(...sent)
    const { frames, framer } = collect()
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random.integer(random.integer(2) === 0 ? 20 : 70_000)
      framer.push(stream.subarray(at, at + size))
      at += size
    }
    t.strictSame(frames, sent)
  }
})

t.test(
  'a frame within one chunk is a slice of it, one that spans chunks has its exact size',
  async (t) => {
    const { frames, framer } = collect()
    const chunk = framed(Buffer.from('whole'))
    framer.push(chunk)
    t.equal(frames[0]?.buffer, chunk.buffer)
    const stream = framed(Buffer.alloc(100_000, 1))
    framer.push(stream.subarray(0, 60_000))
    framer.push(stream.subarray(60_000))
    t.equal(frames[1]?.length, 100_000)
    t.equal(frames[1]?.buffer.byteLength, 100_000)
  }
)

t.test('memory follows what arrived, not what was announced', async (t) => {
  const size = 50 << 20
  const { framer } = collect(size)
  const length = Buffer.alloc(4)
  length.writeInt32BE(size)
  framer.push(length)
  t.equal(framer.heldBytes, 0)
  t.ok(framer.partial)
  framer.push(Buffer.alloc(1000))
  t.equal(framer.heldBytes, 1000)
  let received = 1000
  while (received + 65_536 < size) {
    framer.push(Buffer.alloc(65_536))
    received += 65_536
    t.ok(framer.heldBytes <= received * 2, `${framer.heldBytes} held for ${received}`)
  }
  framer.drop()
  t.equal(framer.heldBytes, 0)
})

t.test('a length out of range is refused with the bytes that said so', async (t) => {
  const { frames, framer } = collect(1024)
  const bad = Buffer.from('GET / HTTP/1.1\r\n')
  const refused = refusal(() => framer.push(Buffer.concat([framed(Buffer.from('good')), bad])))
  t.ok(refused?.head.equals(bad))
  t.strictSame(frames, [Buffer.from('good')])
  t.ok(refusal(() => collect().framer.push(Buffer.from('ffffffff', 'hex'))))
  t.ok(refusal(() => collect(1024).framer.push(Buffer.from('00000401', 'hex'))))
  t.doesNotThrow(() => collect(1024).framer.push(Buffer.from('00000400', 'hex')))
})
