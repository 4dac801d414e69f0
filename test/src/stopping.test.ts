// How a server ends: whatever its clients do, a stop takes less than 5 seconds and loses nothing that was acknowledged.
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

const stopTimeoutMs = 5_000

async function clientOf(running: RunningCommand): Promise<Kafka> {
  const { host, port } = await running.address('kafka')
  const retry = { retries: 0, initialRetryTime: 50 }
  return new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING, retry })
}

/** Asks for far more than the sockets' buffers hold, and reads nothing of it. */
async function stuckClient(t: Test, running: RunningCommand): Promise<void> {
  const { host, port } = await running.address('kafka')
  const socket = connect(port, host)
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  await once(socket, 'connect')
  // ApiVersions 0: length 10, key 18, version 0, correlation id 1, no client id.
  const request = Buffer.from('0000000a001200000000' + '0001ffff', 'hex')
  socket.write(Buffer.concat(new Array(100_000).fill(request)))
  const { host: httpHost, port: httpPort } = await running.address('http')
  for (;;) {
    const metrics = await (await fetch(`http://${httpHost}:${httpPort}/metrics`)).text()
    if (/pauses_total\{protocol="kafka",reason="answers"\} [1-9]/.test(metrics)) return
  }
}

t.test('SIGTERM ends a server in time while a consumer waits and a producer sends', async (t) => {
  const data = join(temporaryFolder(t), 'store')
  const running = runCommand(t, ['serve', ...anyPorts, '--data', data])
  const kafka = await clientOf(running)
  const producer = kafka.producer()
  t.teardown(() => producer.disconnect())
  await producer.connect()
  await producer.send({ topic: 'stopping', messages: [{ value: 'first' }] })
  const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 60_000, minBytes: 1_000_000 })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: 'stopping' })
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
  await consumer.run({ eachMessage: async () => {} })
  await joined
  let acknowledged = 1
  const enough = new Promise<void>((resolve) => {
    void (async () => {
      for (;;) {
        await producer.send({ topic: 'stopping', messages: [{ value: `${acknowledged}` }] })
        if (++acknowledged === 20) resolve()
      }
    })().catch(() => {})
  })
  await enough
  const began = performance.now()
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
  t.ok(performance.now() - began < stopTimeoutMs, 'in time')
  t.equal(running.errors, '')

  const again = runCommand(t, ['serve', ...anyPorts, '--data', data])
  t.match(await again.event('store-opened'), { clean: true, groupsReplayed: 0 })
  const admin = (await clientOf(again)).admin()
  t.teardown(() => admin.disconnect())
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets('stopping')
  const stored = offsets.reduce((sum, { high }) => sum + Number(high), 0)
  t.ok(stored >= acknowledged, `${stored} are stored of ${acknowledged} that were acknowledged`)
})

t.test('a client that never reads its answers does not hold up a stop', async (t) => {
  const running = runCommand(t, ['serve', ...anyPorts])
  await stuckClient(t, running)
  const began = performance.now()
  running.child.kill('SIGINT')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
  t.ok(performance.now() - began < stopTimeoutMs, 'in time')
})

t.test(
  'health says closing while a server drains, and a second signal ends it at once',
  async (t) => {
    const running = runCommand(t, ['serve', ...anyPorts])
    await stuckClient(t, running)
    const { host, port } = await running.address('http')
    running.child.kill('SIGTERM')
    await running.event('stopping')
    const response = await fetch(`http://${host}:${port}/healthz`)
    t.equal(response.status, 503)
    t.match(await response.json(), { state: 'closing' })
    running.child.kill('SIGTERM')
    t.same(await running.ended, { code: 128 + 15, signal: null })
    t.match(running.lines.at(-1), { event: 'stopped-by-second-signal' })
  }
)
