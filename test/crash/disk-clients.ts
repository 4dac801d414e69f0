/** What clients of both protocols do to a server on a small disk, and what they were acknowledged. */
import type { Test } from 'tap'
import { RemotingConnection, RemotingRefused } from '../clients/remoting.ts'
import type { OwnServer } from '../clients/server.ts'
import { ConnectionLost } from '../support/connect.ts'
import { decodeBatches } from './raw-bytes.ts'
import { RawConnection } from './raw-connection.ts'
import { commitOffset, committedOffset, createTopic, fetch, produce } from './raw-requests.ts'
import { sendOne } from './remoting-load.ts'

const mib = 1024 * 1024
export const diskBytes = 24 * mib
export const reserveBytes = 6 * mib
export const valueBytes = 100_000
const noProducer = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
/** So many more a server may take before it notices. */
const appendsMax = 400
/** What a refused append is answered: Kafka's KAFKA_STORAGE_ERROR, RocketMQ's SERVICE_NOT_AVAILABLE. */
export const storageError = 56
export const serviceNotAvailable = 14

/** Of a server whose segments and checkpoints are small against the disk. */
export const smallOptions: readonly string[] = [
  ...['--reserve-bytes', `${reserveBytes}`, '--segment-bytes', `${mib}`],
  ...['--checkpoint-bytes', `${mib}`, '--tail-bytes', '65536'],
  ...['--retention-check-interval-ms', '100']
]

export interface Served {
  readonly server: OwnServer
  readonly clients: Clients
}

/** A client of each protocol, and what they were acknowledged: offset and value's beginning, by topic. */
export class Clients {
  readonly stored = new Map<string, Map<number, string>>()
  readonly #server: OwnServer
  kafka!: RawConnection
  remoting!: RemotingConnection
  #count = 0

  private constructor(server: OwnServer) {
    this.#server = server
  }

  /** Connected, with topics of one partition. */
  static async of(server: OwnServer, topics: readonly string[]): Promise<Clients> {
    const clients = new Clients(server)
    await clients.connect()
    for (const topic of topics) await createTopic(clients.kafka, topic, 1)
    return clients
  }

  async connect(): Promise<void> {
    this.kafka = await RawConnection.open(this.#server.bootstrap)
    this.remoting = await RemotingConnection.open(this.#server.addresses.broker ?? '')
  }

  close(): void {
    this.kafka.close()
    this.remoting.close()
  }

  /** By Kafka's protocol; its error code. */
  async produce(topic: string): Promise<number> {
    const value = this.#value()
    const { code, baseOffset } = await produce(this.kafka, topic, 0, [{ value }], noProducer)
    if (code === 0) this.#note(topic, baseOffset, value)
    return code
  }

  /** By RocketMQ's; its response code, and what it says. */
  async send(topic: string): Promise<{ code: number; text: string }> {
    const value = this.#value()
    try {
      this.#note(topic, await sendOne(this.remoting, topic, 0, value), value)
      return { code: 0, text: '' }
    } catch (error) {
      if (!(error instanceof RemotingRefused)) throw error
      return { code: error.code, text: error.message }
    }
  }

  /** Turns of both until both are refused. */
  async fill(topic: string): Promise<{ kafka: number; rocketmq: number; text: string }> {
    for (let turns = 0; turns < 2 * (diskBytes / valueBytes); turns++) {
      const kafka = await this.produce(topic)
      const { code: rocketmq, text } = await this.send(topic)
      if (kafka !== 0 && rocketmq !== 0) return { kafka, rocketmq, text }
    }
    throw new Error('the disk does not become full')
  }

  /** Both append until the server is gone. */
  async appendUntilGone(topic: string): Promise<void> {
    const appends = async (append: () => Promise<unknown>): Promise<void> => {
      for (let i = 0; i < appendsMax; i++) await append()
      throw new Error('the server does not notice')
    }
    const both = [appends(() => this.produce(topic)), appends(() => this.send(topic))]
    for (const one of await Promise.allSettled(both)) {
      if (one.status === 'rejected' && one.reason instanceof ConnectionLost) continue
      throw (one as PromiseRejectedResult).reason
    }
  }

  /** What was acknowledged below this offset was deleted on purpose. */
  forget(topic: string, before: number): void {
    const stored = this.stored.get(topic)
    for (const offset of [...(stored?.keys() ?? [])]) if (offset < before) stored?.delete(offset)
  }

  /** Everything acknowledged is read where it was said to be. */
  async verify(t: Test, topic: string): Promise<void> {
    const left = new Map(this.stored.get(topic))
    let at = Math.min(...left.keys())
    while (left.size > 0) {
      const { records, highWatermark } = await fetch(this.kafka, topic, 0, at, 0)
      const some = decodeBatches(records).filter(({ offset }) => offset >= at)
      for (const { offset, value } of some)
        if (`${value}`.startsWith(`${left.get(offset)}.`)) left.delete(offset)
      at += some.length
      if (at >= highWatermark || some.length === 0) break
    }
    t.same([...left], [], `${this.stored.get(topic)?.size} acknowledged records are there`)
  }

  #value(): Buffer {
    return Buffer.alloc(valueBytes, `value-${this.#count++}.`)
  }

  #note(topic: string, offset: number, value: Buffer): void {
    const stored = this.stored.get(topic) ?? new Map<number, string>()
    this.stored.set(topic, stored)
    stored.set(offset, value.toString('latin1', 0, value.indexOf('.')))
  }
}

export async function page(
  server: OwnServer,
  path: string
): Promise<{ status: number; text: string }> {
  const answer = await globalThis.fetch(`http://${server.addresses.http}${path}`)
  return { status: answer.status, text: await answer.text() }
}

/** Asks until it is so; a server that has a second to find out is given many. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not in 30 s`)
}

export const isReady = (server: OwnServer) => async () =>
  (await page(server, '/healthz')).status === 200

/** What goes on while appends are refused. */
export async function goesOn(t: Test, clients: Clients, topic: string): Promise<void> {
  await clients.verify(t, topic)
  await commitOffset(clients.kafka, 'g', topic, 0, 7)
  t.equal(await committedOffset(clients.kafka, 'g', topic, 0), 7, 'offsets are committed')
}

/** Restarts after a kill: everything is there, the store is sound. */
export async function again(
  t: Test,
  server: OwnServer,
  clients: Clients,
  topics: readonly string[]
): Promise<void> {
  await server.restart('SIGKILL')
  await clients.connect()
  for (const topic of topics) await clients.verify(t, topic)
  clients.close()
  await server.stop('SIGTERM')
  await t.resolves(server.check(), 'the store is sound')
}
