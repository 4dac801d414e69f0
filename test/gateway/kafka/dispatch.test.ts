import t from 'tap'
import { apiKeys } from '../../../gateway/kafka/codec/index.ts'
import { routes } from '../../../gateway/kafka/routes.ts'
import {
  apiVersionsRequest,
  apiVersionsResponse
} from '../../../gateway/kafka/schemas/api-versions.ts'
import {
  initProducerIdRequest,
  initProducerIdResponse
} from '../../../gateway/kafka/schemas/init-producer-id.ts'
import { settled } from '../../support/fake-clock.ts'
import { kafkaRig } from './rig.ts'

/** A frame of bytes given in hexadecimal, spaces allowed. */
function frameOf(hex: string): Buffer {
  const body = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

t.test('ApiVersions tells exactly what is routed, in every version', async (t) => {
  const rig = await kafkaRig(t)
  const client = rig.connect()
  for (const version of [0, 1, 2, 3, 4]) {
    const body = { clientSoftwareName: 'a-client', clientSoftwareVersion: '1.0' }
    const answer = await client.ask(apiVersionsRequest, apiVersionsResponse, version, body)
    t.equal(answer.errorCode, 0)
    const told = new Map(answer.apiKeys.map((api) => [api.apiKey, api]))
    t.equal(told.size, routes.length)
    for (const { request } of routes) {
      const [minVersion, maxVersion] = request.advertise
      t.match(told.get(request.key), { minVersion, maxVersion }, request.name)
    }
    t.strictSame(answer.supportedFeatures, [], 'no feature is claimed')
  }
  t.match(rig.handled[0], { api: 'ApiVersions', version: 0, errorCode: 0 })
})

t.test('a newer ApiVersions is answered in version 0 with the one range to ask for', async (t) => {
  const rig = await kafkaRig(t)
  const client = rig.connect()
  // Version 5 with a body that this server cannot know.
  client.socket.write(frameOf('0012 0005 00000007 ffff 00 deadbeef'))
  const frame = await client.nextFrame()
  t.equal(frame?.toString('hex'), '00000007' + '0023' + '00000001' + '0012' + '0000' + '0004')
  const body = { clientSoftwareName: 'a', clientSoftwareVersion: '1' }
  t.equal((await client.ask(apiVersionsRequest, apiVersionsResponse, 4, body)).errorCode, 0)
  t.match(rig.handled[0], { version: 5, errorCode: 35 })
})

t.test('a software name or version out of its alphabet is an invalid request', async (t) => {
  const rig = await kafkaRig(t)
  const client = rig.connect()
  for (const [clientSoftwareName, clientSoftwareVersion] of [
    ['', ''],
    ['-a', '1'],
    ['a b', '1'],
    ['a', '1.']
  ] as const) {
    const body = { clientSoftwareName, clientSoftwareVersion }
    const answer = await client.ask(apiVersionsRequest, apiVersionsResponse, 3, body)
    t.equal(answer.errorCode, 42)
  }
  t.equal((await client.ask(apiVersionsRequest, apiVersionsResponse, 2, {})).errorCode, 0)
})

t.test('what is not served closes the connection unanswered, with one line', async (t) => {
  const cases = {
    'unknown key': '7fff 0000 00000001 ffff',
    'version below 0': '0012 ffff 00000001 ffff',
    'version above ours': '0003 00ff 00000001 ffff',
    'produce version 2': '0000 0002 00000001 ffff 0001 00000000 00000000',
    'cut header': '0012 0000 0000',
    'cut client id': '0012 0000 00000001 0010 61',
    'cut body': '0003 0001 00000001 ffff 00000005',
    'empty frame': ''
  }
  for (const [name, hex] of Object.entries(cases)) {
    const rig = await kafkaRig(t)
    const client = rig.connect()
    client.socket.write(frameOf(hex))
    t.equal(await client.nextFrame(), undefined, name)
    t.ok(client.closed, name)
    t.strictSame(rig.events, ['malformed-frame'], name)
    t.equal(rig.log[0]?.fields.head, hex.replaceAll(' ', '').slice(0, 64), name)
  }
})

t.test(
  'a handler that throws is logged once with its request, and only its connection closes',
  async (t) => {
    const broken = routes.map((row) =>
      row.request.key === apiKeys.InitProducerId
        ? {
            ...row,
            handle: async () => {
              await settled(1)
              throw new TypeError('a bug')
            }
          }
        : row
    )
    const rig = await kafkaRig(t, { table: broken })
    const other = rig.connect()
    const client = rig.connect()
    const body = { transactionalId: null, transactionTimeoutMs: 0 }
    client.send(initProducerIdRequest, 4, body)
    t.equal(await client.nextFrame(), undefined)
    t.strictSame(rig.events, ['request-failed'])
    t.match(
      rig.log[0]?.fields.reason,
      /InitProducerId version 4, correlation id 1 of client 'test'/
    )
    t.match(rig.log[0]?.fields.reason, /a bug/)
    const fine = { clientSoftwareName: 'a', clientSoftwareVersion: '1' }
    t.equal((await other.ask(apiVersionsRequest, apiVersionsResponse, 3, fine)).errorCode, 0)
  }
)

t.test('the observer is told the first error and the bytes of both frames', async (t) => {
  const rig = await kafkaRig(t)
  const client = rig.connect()
  const body = { transactionalId: 'tx', transactionTimeoutMs: 0 }
  const answer = await client.ask(initProducerIdRequest, initProducerIdResponse, 1, body)
  t.equal(answer.errorCode, 53)
  t.strictSame(rig.handled, [
    { api: 'InitProducerId', version: 1, errorCode: 53, bytesIn: 4 + 14 + 8, bytesOut: 4 + 4 + 16 }
  ])
})
