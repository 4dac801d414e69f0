/** Well-behaved clients, one a port, that are served all the while; what they see is checked as they go. */
import kafkajs from 'kafkajs'
import { getRouteinfoByTopicRequest } from '../../gateway/rocketmq/headers/get-routeinfo-by-topic.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import type { OwnServer } from '../clients/server.ts'
import { pullFrom, sendOne } from '../crash/remoting-load.ts'

const { Kafka, logLevel } = kafkajs

/** Longest that a well-behaved client is kept waiting. Two cores, shared with other tests and with the attackers. */
const patienceMs = 15_000

/** A round of one client: rejects if it was served wrongly. */
type Round = (count: number) => Promise<void>

export interface Witnesses {
  /** Resolves when each client has done so many rounds more; rejects with what one of them did not like. */
  rounds(count: number): Promise<void>
  /** The longest round so far, ms. */
  readonly slowestMs: number
  close(): Promise<void>
}

/** Clients of every port of the server, on connections of their own and without retries. */
export async function openWitnesses(server: OwnServer): Promise<Witnesses> {
  const kafka = await kafkaWitness(server.bootstrap)
  const remoting = await remotingWitness(server.addresses.namesrv, server.addresses.broker)
  const loops = [kafka.round, remoting.round, httpRound(server.addresses.http)].map(
    (round) => new Loop(round)
  )
  return {
    rounds: async (count) => {
      await Promise.all(loops.map((loop) => loop.more(count)))
    },
    get slowestMs() {
      return Math.max(...loops.map(({ slowestMs }) => slowestMs))
    },
    close: async () => {
      for (const loop of loops) await loop.stop()
      await kafka.close()
      remoting.close()
    }
  }
}

/** Does its rounds one after the other until it is stopped or one fails. */
class Loop {
  slowestMs = 0
  #count = 0
  #stopped = false
  #waiting: { until: number; resolve(): void; reject(error: Error): void }[] = []
  #failure: Error | undefined
  readonly #running: Promise<void>

  constructor(round: Round) {
    this.#running = this.#run(round)
  }

  more(count: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const until = this.#count + count
    return new Promise((resolve, reject) => this.#waiting.push({ until, resolve, reject }))
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.#running
  }

  async #run(round: Round): Promise<void> {
    try {
      while (!this.#stopped) {
        const beganMs = performance.now()
        await inTime(round(this.#count))
        this.slowestMs = Math.max(this.slowestMs, performance.now() - beganMs)
        this.#count++
        for (const { until, resolve } of this.#waiting) if (until <= this.#count) resolve()
        this.#waiting = this.#waiting.filter(({ until }) => until > this.#count)
      }
    } catch (error) {
      this.#failure = error as Error
      for (const { reject } of this.#waiting) reject(this.#failure)
    }
  }
}

async function inTime(round: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`a well-behaved client was not served within ${patienceMs} ms`)
    timer = setTimeout(() => reject(error), patienceMs)
  })
  try {
    await Promise.race([round, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Sends a record and waits until its group's consumer is given it: each once, in order. */
async function kafkaWitness(bootstrap: string) {
  const topic = 'witness-kafka'
  const kafka = new Kafka({
    clientId: 'witness',
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 }
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId: 'witness', maxWaitTimeInMs: 100 })
  let given = (_value: string): void => {}
  let crashed = (_error: Error): void => {}
  consumer.on('consumer.crash', ({ payload }) => crashed(payload.error))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => given(String(message.value)) })
  const round: Round = async (count) => {
    const value = `record ${count}`
    const taken = new Promise<void>((resolve, reject) => {
      crashed = reject
      given = (got) =>
        got === value ? resolve() : reject(new Error(`Kafka's gave ${got}, not ${value}`))
    })
    const sent = producer.send({ topic, acks: -1, messages: [{ value }] })
    const [[metadata]] = await Promise.all([sent, taken])
    if (metadata?.baseOffset !== String(count)) {
      throw new Error(`Kafka's ${value} got the offset ${metadata?.baseOffset}`)
    }
  }
  const close = async (): Promise<void> => {
    await consumer.disconnect()
    await producer.disconnect()
  }
  return { round, close }
}

/** Asks for the route, sends a message and pulls it. */
async function remotingWitness(namesrv = '', broker = '') {
  const topic = 'witness-rocketmq'
  const names = await RemotingConnection.open(namesrv)
  const connection = await RemotingConnection.open(broker)
  const round: Round = async (count) => {
    const body = Buffer.from(`message ${count}`)
    const offset = await sendOne(connection, topic, 0, body)
    if (offset !== count) throw new Error(`RocketMQ's ${body} got the offset ${offset}`)
    const route = await names.ask(getRouteinfoByTopicRequest, { topic })
    if (route.code !== 0) throw new Error(`no route: ${route.code} ${route.remark}`)
    const pulled = await pullFrom(connection, 'witness-rocketmq', topic, 0, count)
    const bodies = pulled.map(({ message }) => String(message.body))
    if (bodies.join() !== String(body)) throw new Error(`RocketMQ's pull gave ${bodies}`)
  }
  const close = (): void => {
    names.close()
    connection.close()
  }
  return { round, close }
}

/** Asks for the health on a new connection, as a balancer does. */
function httpRound(address = ''): Round {
  return async () => {
    const answer = await fetch(`http://${address}/healthz`, { headers: { connection: 'close' } })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`/healthz said ${answer.status} ${text}`)
  }
}
