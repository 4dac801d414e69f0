import t from 'tap'
import {
  decodeCommand,
  ParameterError,
  ProtocolError
} from '../../../../gateway/rocketmq/codec/index.ts'
import { rocketmqFixtures } from '../../../support/rocketmq-fixtures.ts'
import { declaredRequests } from '../../../support/rocketmq-requests.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

/*
 * Captured frames with bytes changed: read as something, or refused with ProtocolError (the frame) or ParameterError
 * (what the declaration wants); never anything else.
 */

const tellingBytes = [0x00, 0x01, 0x22, 0x2c, 0x5b, 0x7b, 0x7f, 0x80, 0xff]
/** Larger ones take long and say no more. */
const frameBytesMax = 3000
const rounds = 40

t.test('a mutated frame is read, or refused in one of two ways', async (t) => {
  const random = seededRandom(t)
  const below = (end: number) => random.bytes(4).readUInt32BE() % end
  const declared = new Map((await declaredRequests()).map(({ name, request }) => [name, request]))
  const seen = { read: 0, refused: 0, wrong: 0 }
  const failures: string[] = []
  for (const { file, name, direction, frame } of rocketmqFixtures()) {
    if (frame.length > frameBytesMax) continue
    const request = declared.get(name)!
    const isAsked = direction === 'request' || direction === 'push'
    for (let round = 0; round < rounds; round++) {
      const mutated = Buffer.from(frame)
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const byte = below(2) === 0 ? tellingBytes[below(tellingBytes.length)]! : below(256)
        mutated[below(mutated.length)] = byte
      }
      try {
        const command = decodeCommand(mutated)
        const header = isAsked ? request.header : request.responseHeader
        const body = isAsked ? request.body : request.responseBody
        header.write(header.read(command.fields) as never)
        body.write(body.read(command.body) as never)
        seen.read++
      } catch (error) {
        if (error instanceof ProtocolError) seen.refused++
        else if (error instanceof ParameterError) seen.wrong++
        else failures.push(`${file} ${mutated.toString('hex')}: ${error}`)
      }
    }
  }
  t.strictSame(failures.slice(0, 5), [])
  for (const [outcome, count] of Object.entries(seen)) t.ok(count > 100, `${outcome} ${count}`)
})
