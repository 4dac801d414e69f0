/** What RocketMQ's tools asked of a real broker and name server about settings, asked here: the answers are the same. */
import t from 'tap'
import { type FrameFacts, rocketmqFixtures } from '../../../support/rocketmq-fixtures.ts'
import type { RocketmqPeer } from '../rig.ts'
import { StoreRig } from '../store-rig.ts'

const fixtures = rocketmqFixtures()

function frameOf(file: string) {
  const found = fixtures.find((one) => one.file === `${file}.hex`)
  if (found === undefined) throw new Error(`no ${file}`)
  return found
}

/** Sends the captured request as it is. */
async function replay(peer: RocketmqPeer, { frame }: { frame: Buffer }) {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  peer.socket.write(Buffer.concat([length, frame]))
  const answer = await peer.next()
  if (answer === undefined) throw new Error('no answer')
  return answer
}

function jsonOf(body: Buffer): unknown {
  return body.length === 0 ? undefined : JSON.parse(body.toString())
}

/** In the order in which tools ask; a name server's say so. */
const asked = [
  'update-and-create-topic-tools',
  'get-topic-config-tools',
  'update-and-create-topic-list-tools',
  'update-and-create-topic-java-4.9',
  'update-and-create-topic-java-5.3',
  'update-and-create-topic-go',
  'update-and-create-subscriptiongroup-tools',
  'get-subscriptiongroup-config-tools',
  'update-and-create-subscriptiongroup-list-tools',
  'put-kv-config-tools namesrv',
  'get-kv-config-tools namesrv',
  'delete-kv-config-tools namesrv',
  'delete-topic-in-broker-tools',
  'delete-topic-in-namesrv-tools namesrv',
  'delete-topic-in-broker-go',
  'delete-topic-in-namesrv-go namesrv',
  'delete-subscriptiongroup-tools'
]

t.test('answers about settings are those of a real broker and name server', async (t) => {
  const rig = await StoreRig.open(t)
  const peers = { broker: rig.broker.connect(), namesrv: rig.namesrv.connect() }
  for (const one of asked) {
    const [file = '', role = 'broker'] = one.split(' ')
    const answer = await replay(peers[role as 'broker' | 'namesrv'], frameOf(`${file}-request`))
    const real = frameOf(`${file}-response`).facts
    t.match(answer, { code: real.code, opaque: real.opaque, remark: real.remark }, file)
    t.same(Object.fromEntries(answer.fields), real.fields, file)
    t.same(jsonOf(answer.body), real.json, file)
  }
})

/** But for what is told of static topics, which there are none of. */
t.test('all settings have the shape that a real broker gives them', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  await replay(peer, frameOf('update-and-create-topic-tools-request'))
  await replay(peer, frameOf('update-and-create-subscriptiongroup-tools-request'))
  const tableOf = ({ json }: Pick<FrameFacts, 'json'>, table: string) =>
    (json as Record<string, Record<string, unknown>>)[table]
  for (const [file, table, name] of [
    ['get-all-topic-config-tools', 'topicConfigTable', 'tooled'],
    ['get-all-subscriptiongroup-config-tools', 'subscriptionGroupTable', 'tooled-group']
  ] as const) {
    const answer = await replay(peer, frameOf(`${file}-request`))
    const real = frameOf(`${file}-response`).facts
    t.match(answer, { code: 0, remark: real.remark })
    const json = jsonOf(answer.body) as Record<string, Record<string, unknown>>
    const parts = Object.keys(real.json as object).filter((part) => !/mapping/i.test(part))
    t.same(Object.keys(json).sort(), parts.sort())
    t.same(Object.keys(json.dataVersion ?? {}), Object.keys(tableOf(real, 'dataVersion') ?? {}))
    t.same(json[table]?.[name], tableOf(real, table)?.[name], name)
  }
})

t.test('a namespace that had texts is there without any', async (t) => {
  const peer = (await StoreRig.open(t)).namesrv.connect()
  const list = frameOf('get-kvlist-by-namespace-tools-request')
  t.match(await replay(peer, list), { code: 22 })
  await replay(peer, frameOf('put-kv-config-tools-request'))
  const { namespace = '', key = '' } = frameOf('put-kv-config-tools-request').facts.fields
  t.match(await peer.ask(102, { fields: { namespace, key } }), { code: 0 })
  const real = frameOf('get-kvlist-by-namespace-tools-response').facts
  t.same(jsonOf((await replay(peer, list)).body), real.json)
})
