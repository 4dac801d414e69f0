import type { Test } from 'tap'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import type { Client } from './client.ts'
import { expected, got } from './compare.ts'
import { Driver } from './driver.ts'
import { makeRecords, partitionCount, type RecordTraits } from './records.ts'
import type { Codec, WireRecord } from './wire.ts'

const takeTimeoutMs = 20_000

/** What all clients can write and tell. */
const plain: RecordTraits = {
  nullHeaderValues: false,
  duplicateHeaders: false,
  binaryKeys: false,
  emptyKeys: false,
  timestamps: false
}

/** Every client writes with every codec it has, into one topic a codec; every client reads what all of them wrote. */
export async function exchange(
  t: Test,
  clients: readonly Client[],
  bootstrap: string
): Promise<void> {
  const seed = seedOfRun
  t.comment(`SEED=${seed}`)
  const random = new SeededRandom(seed)
  const drivers = clients.map((client) => ({
    client,
    driver: new Driver(client.name, client.command, bootstrap)
  }))
  t.teardown(() => Promise.all(drivers.map(({ driver }) => driver.end())))
  const topicOf = (codec: Codec): string => `exchange-${codec}-${seed}`
  const sent = new Map<Codec, WireRecord[]>()
  const maker = drivers.find(({ client }) => client.admin)
  if (!maker) throw new Error('no client can make topics')

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const topic = topicOf(codec)
    await maker.driver.ask('create-topic', { topic, partitions: partitionCount })
    const all: WireRecord[] = []
    for (const { client, driver } of drivers) {
      if (!client.codecs.includes(codec)) continue
      const records = makeRecords(random, plain, 20)
      await driver.ask('produce', { topic, codec, records })
      all.push(...records)
    }
    sent.set(codec, all)
  }
  for (const { client, driver } of drivers) {
    await t.test(`${client.name} reads what all wrote`, async (t) => {
      for (const codec of client.codecsShared) {
        const records = sent.get(codec) ?? []
        const topic = topicOf(codec)
        await driver.ask('open', { topic, from: 'beginning' })
        const take = { count: records.length, timeoutMs: takeTimeoutMs }
        const taken = await driver.ask('take', take)
        await driver.ask('close', {})
        t.same(got(taken.records, plain), expected(records, plain), codec)
      }
    })
  }
}
