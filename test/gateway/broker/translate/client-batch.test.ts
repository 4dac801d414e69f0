import * as fc from 'fast-check'
import t from 'tap'
import {
  type BatchedMessage,
  decodeClientBatch,
  encodeClientBatch
} from '../../../../gateway/broker/translate/client-batch.ts'
import { isMessageFault } from '../../../../gateway/broker/translate/message-codec.ts'
import { propertyMap } from '../../../../gateway/broker/translate/properties.ts'
import { fixture } from '../../../support/fixtures.ts'
import { arbitraryBytes, arbitraryMessage, runs, seed } from './arbitrary-messages.ts'

function batched(bytes: Buffer): BatchedMessage[] {
  const all = decodeClientBatch(bytes)
  if (isMessageFault(all)) throw new Error(all.text)
  return all
}

t.test("the Java client's batch is read, and written again byte for byte", async (t) => {
  const bytes = fixture('rocketmq/client-batch-java')
  const all = batched(bytes)
  t.equal(all.length, 3)
  for (const [i, { flag, body, properties }] of all.entries()) {
    t.equal(flag, i)
    t.equal(body.toString(), `batch ${i}`)
    const map = propertyMap(properties)
    t.equal(map.get('TAGS'), `Tag${i}`)
    t.equal(map.get('größe'), `組${i}`)
    t.equal(map.get('KEYS'), i === 2 ? 'batch-key' : undefined)
  }
  t.same(encodeClientBatch(all), bytes)
})

t.test('a batch cut short anywhere is refused', async (t) => {
  const bytes = fixture('rocketmq/client-batch-java')
  const whole = new Set([0, bytes.readInt32BE(0)])
  whole.add(bytes.readInt32BE(0) + bytes.readInt32BE(bytes.readInt32BE(0)))
  for (let end = 0; end < bytes.length; end++) {
    t.equal(isMessageFault(decodeClientBatch(bytes.subarray(0, end))), !whole.has(end), `${end}`)
  }
})

t.test(`any batch comes back, and no bytes make it throw (SEED=${seed})`, async (t) => {
  await fc.assert(
    fc.property(fc.array(arbitraryMessage, { maxLength: 4 }), arbitraryBytes(80), (all, junk) => {
      const bytes = encodeClientBatch(all)
      const back = batched(bytes)
      decodeClientBatch(junk)
      if (bytes.length > 0) {
        junk.copy(bytes, 4)
        decodeClientBatch(bytes)
      }
      return back.length === all.length && back.every(({ flag }, i) => flag === all[i]!.flag)
    }),
    runs
  )
  t.pass()
})
