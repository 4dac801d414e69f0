/** The commands of mqadmin 5.3.3 and 4.9.8, each with what it prints. A real RocketMQ 5.3.3 passed those of 5.3.3. */
import type { Test } from 'tap'
import type { MessageToSend, RocketmqClient } from '../driver.ts'
import { mqadminOf, rowOf, rowsOf } from '../mqadmin.ts'
import { numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'mqadmin makes topics, tells them and deletes them', run: topics },
  { name: 'mqadmin sends messages and finds them', run: messages },
  { name: 'mqadmin tells groups, their members and their lag', run: groups },
  {
    name: 'mqadmin makes groups, moves their places and deletes them',
    run: groupChanges
  },
  { name: 'mqadmin tells the cluster and its broker', run: broker }
]

const cluster = 'DefaultCluster'

/** Its commands have fewer options, and some of its tables fewer columns. */
function isOld({ version }: RocketmqClient): boolean {
  return version.startsWith('4.')
}

function tagged(count: number): MessageToSend[] {
  return numbered(count).map((one) => ({ ...one, tag: 'TagA' }))
}

async function topics(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const { tool, toolUntil } = mqadminOf(driver)
  const topic = name('mqadmin-topic')
  const made = await tool(`updateTopic -c ${cluster} -t ${topic} -r 3 -w 3`)
  t.match(made, /create topic to .* success\./)
  t.match(made, `topicName=${topic}, readQueueNums=3, writeQueueNums=3, perm=RW-`)
  t.match(await toolUntil('topicList', new RegExp(`^${topic}$`, 'm')), topic)
  const sent = await driver.send(
    topic,
    [0, 0, 2].map((queue) => ({ body: Buffer.from('x'), queue }))
  )
  t.equal(sent.length, 3)
  const [route, status, clusters, ofCluster, allocated, stats] = await Promise.all([
    tool(`topicRoute -t ${topic}`),
    tool(`topicStatus -t ${topic}`),
    tool(`topicClusterList -t ${topic}`),
    tool('topicList -c'),
    tool(`allocateMQ -t ${topic} -i 10.0.0.1,10.0.0.2`),
    tool(`statsAll -t ${topic}`)
  ])
  t.match(route, /"brokerName":"broker-a"/)
  t.match(route, /"perm":6,\s*"readQueueNums":3,\s*"topicSysFlag":0,\s*"writeQueueNums":3/)
  t.match(rowOf(status, 'broker-a', '0'), ['broker-a', '0', '0', '2', /^\d{4}-\d\d-\d\d$/])
  t.match(rowOf(status, 'broker-a', '1'), ['broker-a', '1', '0', '0'])
  t.match(rowOf(status, 'broker-a', '2'), ['broker-a', '2', '0', '1'])
  t.equal(clusters.trim(), cluster)
  t.ok(rowOf(ofCluster, cluster, topic))
  const { result } = JSON.parse(allocated)
  const shares = ['10.0.0.1', '10.0.0.2'].map((ip) => result[ip])
  const numbers = shares.flat().map(({ queueId }: { queueId: number }) => queueId)
  t.same(
    [shares.map(({ length }) => length), numbers.sort()],
    [
      [2, 1],
      [0, 1, 2]
    ]
  )
  t.match(rowOf(stats, topic)?.at(-1), 'NO_CONSUMER')
  const perm = await tool(`updateTopicPerm -c ${cluster} -t ${topic} -p 4`)
  t.match(perm, /update topic perm from 6 to 4 in .* success\./)
  t.match(await toolUntil(`topicRoute -t ${topic}`, /"perm":4/), /"perm":4/)
  const gone = await tool(`deleteTopic -c ${cluster} -t ${topic}`)
  t.match(gone, `delete topic [${topic}] from cluster [${cluster}] success.`)
  t.match(gone, `delete topic [${topic}] from NameServer success.`)
  t.match(
    await tool(`topicRoute -t ${topic}`),
    `No topic route info in name server for the topic: ${topic}`
  )
  t.notOk(rowOf(await tool('topicList'), topic))
}

async function messages(t: Test, { another, client, name }: Stage): Promise<void> {
  const driver = another()
  const { tool, toolUntil, brokerAddress } = mqadminOf(driver)
  const topic = name('mqadmin-messages')
  await tool(`updateTopic -c ${cluster} -t ${topic} -r 1 -w 1`)
  await toolUntil('topicList', new RegExp(`^${topic}$`, 'm'))
  const sent = await tool(`sendMessage -t ${topic} -p one -k key-one -c TagA`)
  const row = rowOf(sent, 'broker-a')
  t.match(row, ['broker-a', '0', 'SEND_OK', /^[0-9A-F]{32,}$/])
  const uniqueKey = row?.[3] ?? ''
  const [two] = await driver.send(topic, [
    { body: Buffer.from('two'), tag: 'TagB', keys: 'key-two' }
  ])
  const address = await brokerAddress()
  // A real broker makes its index of keys a little later.
  const byKey = await toolUntil(`queryMsgByKey -t ${topic} -k key-one`, new RegExp(uniqueKey))
  t.match(rowOf(byKey, uniqueKey), [uniqueKey, '0', '0'])
  const [byOffset, byUniqueKey, byId, printed, consumed, index] = await Promise.all([
    tool(`queryMsgByOffset -t ${topic} -b broker-a -i 0 -o 1`),
    tool(`queryMsgByUniqueKey -t ${topic} -i ${uniqueKey}`),
    tool(`queryMsgById ${isOld(client) ? '' : `-t ${topic} `}-i ${two?.offsetId}`),
    tool(`printMsg -t ${topic} -d true`),
    tool(`consumeMessage -t ${topic} -i 0 -b broker-a -o 0 -c 2`),
    tool(`queryCq -t ${topic} -q 0 -i 0 -c 10 -b ${address}`)
  ])
  t.match(byOffset, /Tags:\s+\[TagB\]/)
  t.match(byOffset, new RegExp(`OffsetID:\\s+${two?.offsetId}`))
  t.match(byUniqueKey, /Keys:\s+\[key-one\]/)
  t.match(byUniqueKey, /Queue Offset:\s+0\n/)
  t.match(byId, new RegExp(`OffsetID:\\s+${two?.offsetId}`))
  t.match(byId, /Keys:\s+\[key-two\]/)
  t.match(printed, /minOffset=0, maxOffset=2/)
  t.match(printed, /MSGID: .*BODY: one\n(.*\n)*MSGID: .*BODY: two\n/)
  t.match(consumed, /Consume ok\n.*BODY: one\n.*BODY: two\n/)
  t.match(index, 'max: 2, min: 0')
  t.match(index, /idx: 0\nConsumeQueueData\{physicOffset=\d+, physicSize=\d+, tagsCode=2598919,/)
  t.match(index, /idx: 1\nConsumeQueueData\{physicOffset=\d+, physicSize=\d+, tagsCode=2598920,/)
  t.match(
    await tool(`queryMsgByKey -t ${topic} -k nosuch`),
    'query message by key finished, but no message'
  )
  await tool(`deleteTopic -c ${cluster} -t ${topic}`)
}

async function groups(t: Test, { another, client, name }: Stage): Promise<void> {
  const driver = another()
  const version = `V${client.version.replaceAll('.', '_')}`
  const { tool, toolUntil, brokerAddress } = mqadminOf(driver)
  const [topic, group] = [name('mqadmin-lag'), name('mqadmin-group')]
  await driver.send(topic, tagged(6))
  await driver.consume({ group, topic, subscription: 'TagA || TagB' })
  await driver.until('all were given', () => driver.given.length >= 6)
  const address = await brokerAddress()
  const noLag = new RegExp(`${topic}[^]*Diff Total: 0\n`)
  const progress = await toolUntil(`consumerProgress -g ${group}`, noLag)
  t.match(progress, noLag)
  const queues = rowsOf(progress).filter(([first]) => first === topic)
  t.equal(queues.length, 4)
  const consumed = queues.reduce((sum, row) => sum + Number(row[4]), 0)
  t.equal(consumed, 6, 'offsets by queue')
  const [all, connections, status, producers, table, config, stats] = await Promise.all([
    tool('consumerProgress'),
    tool(`consumerConnection -g ${group}`),
    tool(`consumerProgress -g ${group} ${isOld(client) ? '' : `-t ${topic} `}-s true`),
    tool(`producerConnection -g isthmus-test-producer -t ${topic}`),
    tool(`producer -b ${address}`),
    tool(`getConsumerConfig -g ${group}`),
    tool(`statsAll -t ${topic}`)
  ])
  t.match(rowOf(all, group), [group, '1', version, 'PUSH', 'CLUSTERING', /^\d+$/, '0'])
  const member = rowsOf(connections).find((row) => row[2] === 'JAVA')
  t.match(member, [/@/, /^127\.0\.0\.1:\d+$/, 'JAVA', version])
  t.match(connections, new RegExp(`^${topic} +TagA \\|\\| TagB$`, 'm'))
  t.match(connections, 'ConsumeType: CONSUME_PASSIVELY\nMessageModel: CLUSTERING\n')
  t.match(status, noLag)
  const producing = rowsOf(producers).find((row) => row[3] === 'JAVA')
  t.match(producing, ['0001', /@/, /^127\.0\.0\.1:\d+$/, 'JAVA', version])
  t.match(table, /producer group \(isthmus-test-producer\) instance : clientId=.*remoteIP=/)
  t.match(config, new RegExp(`groupName +=  ${group}\n`))
  t.match(config, /retryMaxTimes += {2}16\n/)
  const counted = rowOf(stats, topic, group)
  t.match(counted, [topic, group, '0'])
  const clientId = member?.[0] ?? ''
  const running = await tool(`consumerStatus -g ${group} -i ${clientId}`)
  t.match(running, /#Consumer Properties#/)
  t.match(running, new RegExp(`^${topic} +broker-a`, 'm'))
  await driver.stop()
  await driver.send(topic, tagged(3))
  const [behind, offline, ofBroker] = await Promise.all([
    toolUntil(`consumerProgress -g ${group}`, /Diff Total: 3\n/),
    tool(`consumerConnection -g ${group}`),
    tool(`brokerConsumeStats -b ${address}`)
  ])
  t.match(behind, /Diff Total: 3\n/)
  t.match(offline, `the consumer group[${group}] not online`)
  const lag = rowsOf(ofBroker).filter((row) => row[0] === topic && row[1] === group)
  t.equal(
    lag.reduce((sum, row) => sum + Number(row[6]), 0),
    3,
    ofBroker
  )
}

async function groupChanges(t: Test, { another, client, name }: Stage): Promise<void> {
  const driver = another()
  const { tool, toolUntil, call, brokerAddress } = mqadminOf(driver)
  const [topic, group] = [name('mqadmin-reset'), name('mqadmin-made')]
  const made = await tool(`updateSubGroup -c ${cluster} -g ${group} -r 5`)
  t.match(made, /create subscription group to .* success\./)
  t.match(made, `groupName=${group}, consumeEnable=true`)
  t.match(await tool(`getConsumerConfig -g ${group}`), /retryMaxTimes += {2}5\n/)
  await tool(`updateTopic -c ${cluster} -t ${topic} -r 1 -w 1`)
  await toolUntil('topicList', new RegExp(`^${topic}$`, 'm'))
  await driver.send(topic, tagged(4))
  const reset = await tool(`resetOffsetByTime -g ${group} -t ${topic} -s -1`)
  t.match(rowOf(reset, 'broker-a'), ['broker-a', '0', '4'])
  const back = await tool(`resetOffsetByTime -g ${group} -t ${topic} -s 0`)
  t.match(rowOf(back, 'broker-a'), ['broker-a', '0', '0'])
  const address = await brokerAddress()
  if (!isOld(client)) {
    const places = await call('examineConsumeStats', address, group, topic, 5000)
    t.match(Object.values(places.offsetTable), [{ brokerOffset: 4, consumerOffset: 0 }])
  }
  await driver.consume({ group, topic })
  await driver.until('all came again', () => driver.given.length >= 4)
  await driver.stop()
  t.match(
    await tool(`deleteSubGroup -c ${cluster} -g ${group} -r true`),
    /delete subscription group .* success\./
  )
  const { subscriptionGroupTable } = await call('getAllSubscriptionGroup', address, 5000)
  t.notOk(subscriptionGroupTable[group])
  await tool(`deleteTopic -c ${cluster} -t ${topic}`)
}

async function broker(t: Test, { another, client }: Stage): Promise<void> {
  const { tool, brokerAddress } = mqadminOf(another())
  const address = await brokerAddress()
  const [list, totals, status, config, namesrv, unchanged, ...cleaned] = await Promise.all([
    tool('clusterList'),
    tool('clusterList -m'),
    tool(`brokerStatus -b ${address}`),
    tool(`getBrokerConfig -b ${address}`),
    tool('getNamesrvConfig'),
    tool(`updateBrokerConfig -b ${address} -k brokerName -v broker-a`),
    tool(`cleanExpiredCQ -b ${address}`),
    tool(`cleanUnusedTopic -b ${address}`),
    tool(`deleteExpiredCommitLog -b ${address}`)
  ])
  t.match(rowOf(list, cluster), [cluster, 'broker-a', '0', address, 'V5_3_3'])
  if (!isOld(client)) t.equal(rowOf(list, cluster)?.at(-1), 'true', 'it is active')
  t.match(rowOf(totals, cluster), [cluster, 'broker-a', /^\d+$/, /^\d+$/, /^\d+$/, /^\d+$/])
  for (const line of [
    /^brokerVersionDesc +: V5_3_3$/m,
    // A real broker leaves out rates of times that it has not run for yet.
    /^putTps +: [\d.E-]+ [\d.E-]* [\d.E-]*$/m,
    /^getTotalTps +: [\d.E-]+ [\d.E-]+ [\d.E-]+$/m,
    /^msgPutTotalTodayNow +: \d+$/m,
    /^runtime +: \[ 0 days, \d+ hours, \d+ minutes, \d+ seconds \]$/m
  ]) {
    t.match(status, line)
  }
  t.match(config, /^brokerName += {2}broker-a$/m)
  t.match(config, /^autoCreateTopicEnable += {2}true$/m)
  t.match(config, /^flushDiskType += {2}A?SYNC_FLUSH$/m)
  t.match(namesrv, /^listenPort += {2}\d+$/m)
  t.match(unchanged, `update broker config success, ${address}`)
  t.match(
    cleaned.map((one) => one.trim()),
    ['success', 'success', 'success']
  )
  const [put, unset] = ['isthmus-test', 'key']
  const done = await tool(`updateKvConfig -s ${put} -k ${unset} -v value`)
  t.match(done, 'create or update kv config to namespace success.')
  t.match(
    await tool(`deleteKvConfig -s ${put} -k ${unset}`),
    'delete kv config from namespace success.'
  )
}
