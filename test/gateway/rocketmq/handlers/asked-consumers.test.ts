import t from 'tap'
import { decodeMessages, isMessageFault } from '../../../../gateway/broker/translate/index.ts'
import { type Command, encodeCommand, parseJson } from '../../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqPeer } from '../rig.ts'
import { beat, StoreRig, send } from '../store-rig.ts'

const statusOfClient = 221
const statusOfGroup = 223
const runningInfo = 307
const consumeDirectly = 309

async function join(peer: RocketmqPeer, clientId: string): Promise<void> {
  await beat(peer, clientId, 'g', { orders: '*' }).catch(() => peer.next())
}

/** A consumer's answer to what the server asked. */
function answer(peer: RocketmqPeer, asked: Command, code: number, remark: string, body = ''): void {
  const command = { ...asked, code, remark, flag: 1, fields: new Map<string, string>() }
  peer.socket.write(Buffer.concat(encodeCommand(command, [Buffer.from(body)])))
}

/** The next thing that is no notice of members' changes. */
async function nextAsked(peer: RocketmqPeer): Promise<Command> {
  for (;;) {
    const command = await peer.next()
    if (command === undefined) throw new Error('nothing was asked')
    if (command.code !== 40) return command
  }
}

t.test("a consumer's running info is its own", async (t) => {
  const rig = await StoreRig.open(t)
  const [consumer, tool] = [rig.broker.connect(), rig.broker.connect()]
  await join(consumer, 'c1')
  const fields = { consumerGroup: 'g', clientId: 'c1', jstackEnable: 'true' }
  tool.send(runningInfo, { fields })
  const asked = await nextAsked(consumer)
  t.match(asked, { code: runningInfo, flag: 0, fields: new Map(Object.entries(fields)) })
  answer(consumer, asked, 0, 'told', '{"properties":{}}')
  const told = await tool.next()
  t.match(told, { code: 0, remark: 'told' })
  t.equal(told?.body.toString(), '{"properties":{}}')

  tool.send(runningInfo, { fields })
  answer(
    consumer,
    await nextAsked(consumer),
    1,
    'The Consumer Group <g> not exist in this consumer'
  )
  t.match(await tool.next(), { code: 1, remark: /not exist in this consumer/ })

  tool.send(runningInfo, { fields })
  await nextAsked(consumer)
  await rig.clock.advance(10_000)
  t.match(await tool.next(), { code: 207, remark: /^consumer <g> <c1> Timeout: / })

  tool.send(runningInfo, { fields })
  await nextAsked(consumer)
  consumer.socket.destroy()
  t.match(await tool.next(), { code: 1, remark: /^invoke consumer <g> <c1> Exception: / })
  t.match(await tool.ask(runningInfo, { fields }), {
    code: 1,
    remark: 'The Consumer <g> <c1> not online'
  })
})

t.test('a stored message is given to the consumer that a tool names', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const [consumer, tool] = [rig.broker.connect(), rig.broker.connect()]
  await join(consumer, 'c1')
  const sent = await send(tool, 'orders', 'again', { properties: { TAGS: 'A' } })
  const msgId = sent.fields.get('msgId') ?? ''
  const fields = { consumerGroup: 'g', clientId: 'c1', msgId, topic: 'orders' }
  tool.send(consumeDirectly, { fields })
  const asked = await nextAsked(consumer)
  t.match(asked.fields, new Map(Object.entries({ ...fields, brokerName: 'broker-a' })))
  const messages = decodeMessages(asked.body)
  if (isMessageFault(messages)) throw new Error(messages.text)
  t.same(
    messages.map(({ message }) => message.body.toString()),
    ['again']
  )
  t.equal(messages[0]?.place.topic.toString(), 'orders')
  answer(consumer, asked, 0, '', '{"consumeResult":"CR_SUCCESS"}')
  t.equal((await tool.next())?.body.toString(), '{"consumeResult":"CR_SUCCESS"}')

  const wrong = { ...fields, msgId: `${msgId.slice(0, -1)}9` }
  t.match(await tool.ask(consumeDirectly, { fields: wrong }), { code: 1, remark: /can not find/ })
  t.match(await tool.ask(consumeDirectly, { fields: { ...fields, msgId: 'x' } }), { code: 29 })
  t.match(await tool.ask(consumeDirectly, { fields: { ...fields, clientId: 'c2' } }), {
    code: 1,
    remark: 'The Consumer <g> <c2> not online'
  })
})

t.test("a group's consumers say where they are", async (t) => {
  const rig = await StoreRig.open(t)
  const [one, two, tool] = [rig.broker.connect(), rig.broker.connect(), rig.broker.connect()]
  const fields = { topic: 'orders', group: 'g' }
  t.match(await tool.ask(statusOfGroup, { fields }), {
    code: 1,
    remark: 'No Any Consumer online in the consumer group: [g]'
  })
  await join(one, 'c1')
  await join(two, 'c2')
  const queue = '{"brokerName":"broker-a","queueId":0,"topic":"orders"}'
  const tell = async (peer: RocketmqPeer, offset: number) => {
    const asked = await nextAsked(peer)
    t.match(asked, { code: statusOfClient, fields: new Map(Object.entries(fields)) })
    answer(peer, asked, 0, '', `{"messageQueueTable":{${queue}:${offset}}}`)
  }
  tool.send(statusOfGroup, { fields })
  await tell(one, 5)
  await tell(two, 6)
  const told = await tool.next()
  t.equal(told?.code, 0)
  t.same(parseJson(told!.body.toString()), {
    consumerTable: { c1: { [queue]: 5 }, c2: { [queue]: 6 } },
    messageQueueTable: {}
  })
  t.equal(
    told?.body.toString(),
    `{"consumerTable":{"c1":{${queue}:5},"c2":{${queue}:6}},"messageQueueTable":{}}`,
    'as fastjson writes it'
  )

  tool.send(statusOfGroup, { fields: { ...fields, clientAddr: 'c2' } })
  await tell(two, 7)
  const only = (await tool.next())?.body.toString() ?? ''
  t.match(only, '"c2"')
  t.notMatch(only, '"c1"')

  tool.send(statusOfGroup, { fields })
  await tell(one, 8)
  await nextAsked(two)
  await rig.clock.advance(10_000)
  const late = (await tool.next())?.body.toString() ?? ''
  t.match(late, '"c1"')
  t.notMatch(late, '"c2"', 'who does not say so in time is left out')
})
