/** What clients and operators do to a server that runs as a process of its own. */
import { Kafka, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import type { RunningCommand } from './run-command.ts'

export async function clientOf(running: RunningCommand): Promise<Kafka> {
  const { host, port } = await running.address('kafka')
  return new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
}

/** Sends a record for each value with one key, so that all go to one queue. */
export async function send(
  running: RunningCommand,
  topic: string,
  values: string[]
): Promise<void> {
  const producer = (await clientOf(running)).producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map((value) => ({ key: 'k', value })) })
  await producer.disconnect()
}

/** Reads `count` records from the beginning in a group of its own name, and commits. */
export async function read(running: RunningCommand, topic: string, groupId: string, count: number) {
  const consumer = (await clientOf(running)).consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      values.push(`${message.value}`)
      if (values.length === count) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return values
}

/** The names that a Kafka client is told. */
export async function topics(running: RunningCommand): Promise<string[]> {
  const admin = (await clientOf(running)).admin()
  await admin.connect()
  const names = await admin.listTopics()
  await admin.disconnect()
  return names.sort()
}

/** Kafka's number for topics among what has settings. */
const topicResource = 2

/** The value of a topic's setting that is in force. */
export async function settingOf(running: RunningCommand, topic: string, name: string) {
  const admin = (await clientOf(running)).admin()
  await admin.connect()
  const asked = { type: topicResource, name: topic, configNames: [name] }
  const { resources } = await admin.describeConfigs({ resources: [asked], includeSynonyms: false })
  await admin.disconnect()
  return resources[0]?.configEntries[0]?.configValue
}

/** Sends a message of RocketMQ that comes later, as its properties say. */
export async function sendLater(
  running: RunningCommand,
  topic: string,
  properties: string
): Promise<void> {
  const { host, port } = await running.address('broker')
  const connection = await RemotingConnection.open(`${host}:${port}`)
  const header = { a: 'p', b: topic, c: 'TBW102', d: '1', e: '0', f: '0', g: '1', h: '0' }
  const { code } = await connection.askFields(310, { ...header, i: properties }, Buffer.from('x'))
  connection.close()
  if (code !== 0) throw new Error(`the send was answered with ${code}`)
}

export async function get(running: RunningCommand, path: string) {
  const { host, port } = await running.address('http')
  const response = await fetch(`http://${host}:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

export async function stop(t: Test, running: RunningCommand): Promise<void> {
  running.child.kill('SIGTERM')
  t.same(await running.ended, { code: exitCodes.done, signal: null })
}
