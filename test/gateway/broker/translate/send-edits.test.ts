import * as fc from 'fast-check'
import t from 'tap'
import {
  formatProperties,
  parseProperties,
  propertyMap
} from '../../../../gateway/broker/translate/properties.ts'
import { editSentProperties } from '../../../../gateway/broker/translate/send-edits.ts'
import { fixture } from '../../../support/fixtures.ts'
import { arbitraryProperties, runs, seed } from './arbitrary-messages.ts'
import { decoded } from './decoded.ts'

const marks = { region: 'DefaultRegion', traceOn: true, cluster: 'DefaultCluster' }
const edited = (sent: string | Buffer) => editSentProperties(Buffer.from(sent), marks, () => 'made')
const added =
  'MSG_REGION\u0001DefaultRegion\u0002TRACE_ON\u0001true\u0002CLUSTER\u0001DefaultCluster\u0002'

/** What the capture's script sent, in order. */
const sentToRocketmq = [
  'a\u00011\u0002b\u00012',
  'a\u00011\u0002b\u00012\u0002',
  '',
  'MSG_REGION\u0001mine\u0002TRACE_ON\u0001no\u0002CLUSTER\u0001mine\u0002UNIQ_KEY\u0001u1\u0002',
  'a\u00011\u0002WAIT\u0001false\u0002POP_CK\u0001x\u0002b\u00012',
  'a\u00011\u0002\u0002noseparator\u0002empty\u0001\u0002\u0001noname\u0002c\u0001x\u0001y\u0002',
  'a\u00011\u0002a\u00012\u0002',
  'UNIQ_KEY\u0001\u0002a\u00011',
  'KEYS\u0001k1  k2\u0002TAGS\u0001t\u0002KEYS\u0001k3'
]

t.test('properties are those that RocketMQ made of the same, but for WAIT', async (t) => {
  const stored = decoded(fixture('rocketmq/pull-raw-properties'))
  t.equal(stored.length, sentToRocketmq.length)
  for (const [i, sent] of sentToRocketmq.entries()) {
    const theirs = propertyMap(stored[i]!.message.properties)
    const uniqueKey = theirs.get('UNIQ_KEY')!
    const ours = editSentProperties(Buffer.from(sent), marks, () => uniqueKey)
    t.equal(ours.uniqueKey, uniqueKey)
    theirs.delete('WAIT')
    const sorted = (map: Map<string, string>) => [...map].sort()
    t.same(sorted(propertyMap(ours.properties)), sorted(theirs), JSON.stringify(sent))
  }
})

t.test('what the sender wrote keeps its order and its bytes, and stands in front', async (t) => {
  t.equal(
    edited('b\u00012\u0002a\u00011\u0002').properties.toString(),
    `b\u00012\u0002a\u00011\u0002${added}UNIQ_KEY\u0001made\u0002`
  )
  t.equal(
    edited('b\u00012\u0002WAIT\u0001true\u0002UNIQ_KEY\u0001u').properties.toString(),
    `b\u00012\u0002UNIQ_KEY\u0001u\u0002${added}`.slice(0, -1),
    'without the last separator if the sender left it out'
  )
  t.equal(
    edited('\u0002x\u0002WAIT\u0001\u0002').properties.toString(),
    `\u0002x\u0002WAIT\u0001\u0002${added}UNIQ_KEY\u0001made\u0002`,
    'parts that are no property too'
  )
})

t.test('a second edit changes nothing but the order', async (t) => {
  const once = edited('b\u00012\u0002a\u00011\u0002').properties
  const twice = edited(once).properties
  t.same(propertyMap(twice), propertyMap(once))
  t.equal(twice.length, once.length)
})

t.test(`whatever is sent, only the named edits are made (SEED=${seed})`, async (t) => {
  const named = new Set(['MSG_REGION', 'TRACE_ON', 'CLUSTER', 'WAIT', 'POP_CK'])
  await fc.assert(
    fc.property(arbitraryProperties, (sent) => {
      const { properties, uniqueKey } = edited(sent)
      const kept = parseProperties(sent).all.filter(({ name }) => !named.has(name))
      const after = parseProperties(properties).all
      const same = kept.every(
        ({ nameBytes, value }, i) =>
          after[i]!.nameBytes.equals(nameBytes) && after[i]!.value.equals(value)
      )
      const given = propertyMap(sent).get('UNIQ_KEY')
      const rest = after.slice(kept.length).map(({ name }) => name)
      const expected = ['MSG_REGION', 'TRACE_ON', 'CLUSTER']
      if (given === undefined) expected.push('UNIQ_KEY')
      return same && rest.join() === expected.join() && uniqueKey === (given ?? 'made')
    }),
    runs
  )
  t.pass()
})

t.test(
  `what is parsed makes the same bytes again, unless it says otherwise (SEED=${seed})`,
  async (t) => {
    await fc.assert(
      fc.property(arbitraryProperties, (bytes) => {
        const { all, isWhole, endsSeparated } = parseProperties(bytes)
        const again = formatProperties(all.map(({ nameBytes, value }) => [nameBytes, value]))
        const same = (endsSeparated ? again : again.subarray(0, -1)).equals(bytes)
        return same === isWhole
      }),
      runs
    )
    t.pass()
  }
)
