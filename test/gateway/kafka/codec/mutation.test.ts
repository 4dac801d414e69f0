import t from 'tap'
import { ProtocolError } from '../../../../gateway/kafka/codec/index.ts'
import { decodeFrame, encodeFrame, kafkaFixtures } from '../../../support/kafka-fixtures.ts'

/*
 * Captured frames with bytes changed: read as something, or refused with ProtocolError; never
 * anything else.
 */

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomFrom(seed)
const below = (end: number): number => Math.floor(random() * end)
const tellingBytes = [0x00, 0x01, 0x7f, 0x80, 0xff]

function mutate(frame: Buffer): Buffer {
  const mutated = Buffer.from(frame)
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const byte = random() < 0.5 ? tellingBytes[below(tellingBytes.length)]! : below(256)
    mutated[below(mutated.length)] = byte
  }
  return mutated
}

t.test('a mutated frame is read or refused, and what is read can be written', async (t) => {
  const rounds = 60
  let refused = 0
  let read = 0
  const failures: string[] = []
  for (const { file, message, version, frame } of kafkaFixtures()) {
    for (let round = 0; round < rounds; round++) {
      const mutated = mutate(frame)
      try {
        const decoded = decodeFrame(message, version, mutated)
        read++
        decodeFrame(message, version, encodeFrame(message, version, decoded))
      } catch (error) {
        if (error instanceof ProtocolError) refused++
        else failures.push(`${file} ${mutated.toString('hex')}: ${error}`)
      }
    }
  }
  t.strictSame(failures, [])
  t.ok(refused > 100 && read > 100, `${refused} refused, ${read} read`)
})
