import t from 'tap'
import { PushError } from '../../../gateway/rocketmq/client-connection.ts'
import {
  bytes,
  flags,
  header,
  int,
  long,
  optional,
  request,
  text
} from '../../../gateway/rocketmq/codec/index.ts'
import {
  type ClientConnection,
  defaultRocketmqLimits,
  type Handler,
  refuse
} from '../../../gateway/rocketmq/context.ts'
import { getBrokerClusterInfoRequest } from '../../../gateway/rocketmq/headers/get-broker-cluster-info.ts'
import { type Route, route } from '../../../gateway/rocketmq/routes.ts'
import { StoreError } from '../../../storage/errors.ts'
import { settled } from '../../support/fake-clock.ts'
import { brokerPort, RocketmqRig } from './rig.ts'

const echoRequest = request(10, {
  header: header({ topic: text, queueId: int, tag: optional(text) }, { queueId: 'e' }),
  body: bytes,
  responseHeader: header({ offset: long, tag: optional(text) }),
  responseBody: bytes
})

type Echo = Handler<typeof echoRequest>

const echo: Echo = ({ header: { queueId, tag }, body }) => ({
  remark: 'FOUND',
  header: { offset: queueId * 2, tag },
  body: [body, body]
})

async function reasonOf(asked: Promise<unknown>): Promise<string | undefined> {
  try {
    await asked
    return undefined
  } catch (error) {
    if (error instanceof PushError) return error.reason
    throw error
  }
}

function echoing(handle: Echo, roles: Route['roles'] = 'both'): Route[] {
  return [route(echoRequest, handle, roles)]
}

const fields = { topic: 't', e: '21' }

t.test('a request is answered in its own serialisation', async (t) => {
  const peer = new RocketmqRig({ table: echoing(echo) }).connect()
  for (const serialization of ['json', 'binary'] as const) {
    const body = Buffer.from('ab')
    const answer = await peer.ask(10, { serialization, fields: { ...fields, tag: 'ü' }, body })
    t.equal(answer.serialization, serialization)
    t.match(answer, { code: 0, version: 479, language: 'JAVA', flag: 1, remark: 'FOUND' })
    t.strictSame(answer.fields, new Map(Object.entries({ offset: '42', tag: 'ü' })))
    t.equal(answer.body.toString(), 'abab')
  }
})

t.test('answers leave as they are ready', async (t) => {
  const waiting: (() => void)[] = []
  const slow: Echo = async ({ header: { queueId } }) => {
    if (queueId > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    return { header: { offset: queueId }, body: [] }
  }
  const peer = new RocketmqRig({ table: echoing(slow) }).connect()
  const first = peer.send(10, { fields: { topic: 't', e: '1' } })
  const second = peer.send(10, { fields: { topic: 't', e: '2' } })
  const third = peer.send(10, { fields: { topic: 't', e: '0' } })
  t.equal((await peer.next())?.opaque, third)
  waiting[1]?.()
  t.equal((await peer.next())?.opaque, second)
  waiting[0]?.()
  t.equal((await peer.next())?.opaque, first)
})

t.test('a one-way request is handled and never answered', async (t) => {
  let handled = 0
  const count: Echo = (asked, context) => {
    handled++
    if (asked.header.queueId === 1) throw new Error('a bug')
    return echo(asked, context)
  }
  const rig = new RocketmqRig({ table: echoing(count) })
  const peer = rig.connect()
  peer.send(10, { flag: flags.oneway, fields })
  peer.send(10, { flag: flags.oneway, fields: { topic: 't', e: '1' } })
  peer.send(10, { flag: flags.oneway, fields: { topic: 't' } })
  peer.send(999, { flag: flags.oneway })
  const opaque = peer.send(10, { fields })
  t.equal((await peer.next())?.opaque, opaque)
  t.equal(handled, 3)
  t.strictSame(rig.events, ['request-failed'])
  t.match(
    rig.handled.map(({ responseCode, bytesOut }) => [responseCode, bytesOut > 0]),
    [
      [0, false],
      [1, false],
      [29, false],
      [3, false],
      [0, true]
    ]
  )
})

t.test('a code that is not served, or by the other listener, is answered 3', async (t) => {
  const rig = new RocketmqRig({ table: echoing(echo, 'broker'), role: 'namesrv' })
  const peer = rig.connect()
  const answer = await peer.ask(31_337)
  t.match(answer, { code: 3, remark: ' request type 31337 not supported', version: 479 })
  t.equal((await peer.ask(10, { fields })).code, 3)
  t.strictSame(
    rig.handled.map(({ request }) => request),
    ['UNKNOWN', 'UNKNOWN']
  )
  const brokers = new RocketmqRig({ table: echoing(echo, 'broker') }).connect()
  t.equal((await brokers.ask(10, { fields })).code, 0)
})

t.test('a field that is missing or makes no sense is named', async (t) => {
  const peer = new RocketmqRig({ table: echoing(echo) }).connect()
  const cases = {
    'the field topic is missing': { e: '1' },
    'the field queueId (e) is missing': { topic: 't', queueId: '1' },
    "the field queueId (e) is no int: '1.5'": { topic: 't', e: '1.5' },
    "the field queueId (e) is no int: '2147483648'": { topic: 't', e: '2147483648' }
  }
  for (const [remark, wrong] of Object.entries(cases)) {
    t.match(await peer.ask(10, { fields: wrong }), { code: 29, remark })
  }
})

t.test('what handlers refuse and throw is answered, and a bug is logged once', async (t) => {
  const outcomes: (() => ReturnType<Echo>)[] = [
    () => refuse(17, 'no such topic', { TRACE_ON: 'true' }),
    () => {
      throw new StoreError('disk-full', 'no space')
    },
    async () => {
      await settled(1)
      throw new StoreError('overloaded', 'too much')
    },
    async () => {
      await settled(1)
      throw new TypeError('a bug')
    },
    // A programmer's mistake that only the encoder sees.
    () => ({ header: {} as never, body: [] })
  ]
  const rig = new RocketmqRig({ table: echoing(({ header: { queueId } }) => outcomes[queueId]!()) })
  const peer = rig.connect()
  const ask = (e: number) => peer.ask(10, { fields: { topic: 't', e: `${e}` } })
  const refused = await ask(0)
  t.match(refused, { code: 17, remark: 'no such topic' })
  t.strictSame([...refused.fields], [['TRACE_ON', 'true']])
  t.match(await ask(1), { code: 14, remark: 'no space' })
  t.match(await ask(2), { code: 2, remark: 'too much' })
  t.strictSame(rig.events, [])
  t.match(await ask(3), { code: 1, remark: /SEND_MESSAGE \(10\) failed: TypeError: a bug/ })
  t.match(await ask(4), { code: 1, remark: /offset is missing/ })
  t.strictSame(rig.events, ['request-failed', 'request-failed'])
  t.match(rig.log[0]?.fields, { request: 'SEND_MESSAGE (10)', client: '10.0.0.9:40000' })
  t.notOk(peer.closed)
})

t.test('malformed bytes close the connection unanswered, with one line', async (t) => {
  const cases = {
    'no header length': '000000',
    'header behind the frame': '00000005 7b7d',
    'unknown serialisation': '02000002 7b7d',
    'a header that is no JSON': '00000002 7b7b',
    'a header that is no object': '00000002 5b5d',
    'a code that is no int': '0000000a 7b22636f6465223a787d',
    'a cut binary header': '01000004 000a0000'
  }
  for (const [name, hex] of Object.entries(cases)) {
    const rig = new RocketmqRig({ table: echoing(echo) })
    const peer = rig.connect()
    const frame = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    const length = Buffer.alloc(4)
    length.writeInt32BE(frame.length)
    peer.socket.write(Buffer.concat([length, frame]))
    t.equal(await peer.next(), undefined, name)
    t.ok(peer.closed, name)
    t.strictSame(rig.events, ['malformed-frame'], name)
  }
})

t.test('a client is told and asked, and its answers find who waits for them', async (t) => {
  let client: ClientConnection | undefined
  const meet: Echo = (asked, context) => {
    client = context.client
    return echo(asked, context)
  }
  const rig = new RocketmqRig({ table: echoing(meet) })
  const peer = rig.connect()
  await peer.ask(10, { serialization: 'binary', fields })
  t.match(client, { host: '10.0.0.9', port: 40_000, localAddress: '127.0.0.1', open: true })
  const pushed = { header: { topic: 't', queueId: 7 }, body: Buffer.from('half') }

  client!.push(echoRequest, pushed)
  const told = await peer.next()
  t.match(told, { code: 10, flag: flags.oneway, opaque: 0, serialization: 'binary', version: 479 })
  t.strictSame(
    [...told!.fields],
    [
      ['topic', 't'],
      ['e', '7']
    ]
  )
  t.equal(told!.body.toString(), 'half')

  const asked = [1, 2].map((queueId) =>
    client!.ask(echoRequest, { ...pushed, header: { topic: 't', queueId } }, 10_000)
  )
  t.equal((await peer.next())?.opaque, 1)
  t.match(await peer.next(), { opaque: 2, flag: 0 })
  // One that nobody asked for, then the two in the other order.
  peer.send(0, { opaque: 77, flag: flags.response })
  peer.send(0, { opaque: 2, flag: flags.response, fields: { offset: '5' }, body: Buffer.from('b') })
  peer.send(1, { opaque: 1, flag: flags.response, remark: 'not now' })
  const [first, second] = await Promise.all(asked)
  t.match(first, { code: 1, remark: 'not now' })
  t.throws(() => first!.header(), { message: 'the field offset is missing' })
  t.strictSame(second!.header(), { offset: 5, tag: undefined })
  t.equal(second!.body().toString(), 'b')
})

t.test('a client that is asked and stays silent, or leaves, fails who waits', async (t) => {
  let client: ClientConnection | undefined
  const meet: Echo = (asked, context) => {
    client = context.client
    return echo(asked, context)
  }
  const rig = new RocketmqRig({
    table: echoing(meet),
    services: { limits: { ...defaultRocketmqLimits, pushesMax: 2 } }
  })
  const peer = rig.connect()
  await peer.ask(10, { fields })
  const pushed = { header: { topic: 't', queueId: 1 }, body: [] }
  const late = client!.ask(echoRequest, pushed, 10_000)
  const left = client!.ask(echoRequest, pushed, 20_000)
  t.equal(await reasonOf(client!.ask(echoRequest, pushed, 10_000)), 'too-many')
  const reasons = Promise.all([reasonOf(late), reasonOf(left)])
  await rig.clock.advance(10_000)
  peer.send(0, { opaque: 0, flag: flags.response, fields: { offset: '5' } })
  let departures = 0
  client!.onClose(() => departures++)
  const forget = client!.onClose(() => t.fail('was taken back'))
  forget()
  peer.socket.destroy()
  t.strictSame(await reasons, ['timeout', 'closed'])
  t.equal(departures, 1)
  t.notOk(client!.open)
  client!.onClose(() => departures++)
  t.equal(departures, 2, 'told at once')
  client!.push(echoRequest, pushed)
  t.equal(await reasonOf(client!.ask(echoRequest, pushed, 1)), 'closed')
})

t.test('cluster info tells one broker, where the client may dial it', async (t) => {
  const info = async (advertise: readonly string[], localAddress: string) => {
    const rig = new RocketmqRig({ role: 'namesrv', advertise })
    const answer = await rig.connect(localAddress).askFor(getBrokerClusterInfoRequest, {})
    return answer.body.toString()
  }
  const told = (address: string) =>
    `{"brokerAddrTable":{"broker-a":{"brokerAddrs":{"0":"${address}"},"brokerName":"broker-a",` +
    `"cluster":"DefaultCluster"}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}}`
  t.equal(await info([], '10.1.2.3'), told(`10.1.2.3:${brokerPort}`))
  t.equal(await info(['broker=host.example:7'], '10.1.2.3'), told('host.example:7'))
  t.equal(await info([], '::1'), told(`[::1]:${brokerPort}`))
})
