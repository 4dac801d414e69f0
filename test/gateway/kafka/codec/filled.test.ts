import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { filledFor, filledNames } from '../../../support/kafka-filled.ts'
import { decodeFrame } from '../../../support/kafka-fixtures.ts'
import { kafkaJsonOf } from '../../../support/kafka-json.ts'
import { allMessages, messageNamed } from '../../../support/kafka-schemas.ts'

/* What no client happens to send is proven here, by bodies that kafka-clients filled. */

for (const message of allMessages) {
  t.test(`${message.name} ${message.direction}`, async (t) => {
    for (let version = message.versions[0]; version <= message.versions[1]; version++) {
      const filled = filledFor(message, version)
      t.ok(filled.length > 0)
      for (const { hex, value, body, frame } of filled) {
        // As kafka-clients would show it, and written again.
        const json = kafkaJsonOf(message, version, body)
        const encoded = frame.subarray(frame.length - hex.length / 2).toString('hex')
        t.strictSame({ json, encoded }, { json: value, encoded: hex }, `version ${version}`)
        const again = decodeFrame(message, version, frame).body
        t.ok(isDeepStrictEqual(again, body), 'read in a frame, it is the same')
      }
    }
  })
}

t.test('each told message has a schema', async (t) => {
  for (const name of filledNames()) {
    const [api, direction] = name.split(' ')
    t.ok(messageNamed(api!, direction!))
  }
})
