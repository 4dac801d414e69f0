// What the settings of the RocketMQ side change, seen on the wire.
import t from 'tap'
import { getRouteinfoByTopicRequest } from '../../gateway/rocketmq/headers/get-routeinfo-by-topic.ts'
import { sendMessageV2Request } from '../../gateway/rocketmq/headers/send-message.ts'
import { loadConfig } from '../../src/config-sources.ts'
import { exitCodes } from '../../src/exit-codes.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import { quietPort } from '../support/quiet-port.ts'
import { anyPorts, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

t.setTimeout(300_000)

const header = {
  producerGroup: 'p',
  topic: 'orders',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 0,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_123,
  flag: 0,
  properties: ''
}

t.test('routes name the cluster and the broker as they were set', async (t) => {
  const names = ['--rocketmq-cluster-name', 'Plant_7', '--rocketmq-broker-name', 'north-1']
  const data = await temporaryFolder(t)
  const running = runCommand(t, ['serve', ...anyPorts, '--data', data, ...names])
  const at = async (listener: string) => {
    const { host, port } = await running.address(listener)
    return RemotingConnection.open(`${host}:${port}`)
  }
  const broker = await at('broker')
  t.equal((await broker.ask(sendMessageV2Request, header, Buffer.from('a'))).code, 0)
  const namesrv = await at('namesrv')
  const route = await namesrv.ask(getRouteinfoByTopicRequest, { topic: 'orders' })
  t.match(JSON.parse(route.body.toString()), {
    brokerDatas: [{ cluster: 'Plant_7', brokerName: 'north-1' }],
    queueDatas: [{ brokerName: 'north-1' }]
  })
  for (const connection of [broker, namesrv]) connection.close()
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
})

t.test('the broker answers at its port minus 2 where that is switched on', async (t) => {
  const data = await temporaryFolder(t)
  const at = anyPorts.indexOf('--broker-port') + 1
  const ports = anyPorts.with(at, `${await quietPort()}`)
  const running = runCommand(t, ['serve', ...ports, '--data', data, '--broker-vip-port', 'true'])
  const [broker, vip] = [await running.address('broker'), await running.address('vip')]
  t.equal(vip.port, broker.port - 2)
  const connection = await RemotingConnection.open(`${vip.host}:${vip.port}`)
  const answer = await connection.ask(sendMessageV2Request, header, Buffer.from('a'))
  t.match(answer, { code: 0 })
  // A message id carries the address that the broker is found at again.
  t.equal(Number.parseInt(answer.fields.get('msgId')?.slice(8, 16) ?? '', 16), broker.port)
  connection.close()
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
})

t.test('a name with other letters is refused', async (t) => {
  for (const name of ['a b', 'a|b', 'a%b', 'ä', 'a'.repeat(65), '']) {
    await t.rejects(loadConfig({ 'rocketmq-broker-name': name }, {}), {
      message: /letters, digits/
    })
  }
})
