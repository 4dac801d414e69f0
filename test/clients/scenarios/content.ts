import type { Test } from 'tap'
import { expected, got, offsetsFrom } from '../compare.ts'
import type { Driver } from '../driver.ts'
import { makeLargeRecord, makeRecords, ofPartition, partitionCount } from '../records.ts'
import type { WireRecord } from '../wire.ts'
import type { ScenarioContext } from './context.ts'

const takeTimeoutMs = 30_000
/** How long a reader that should have everything is given to show a record too many. */
const excessTimeoutMs = 300

/** Reads a whole topic and one look further. */
export async function readAll(driver: Driver, topic: string, count: number): Promise<WireRecord[]> {
  await driver.ask('open', { topic, from: 'beginning' })
  const { records } = await driver.ask('take', { count, timeoutMs: takeTimeoutMs })
  const excess = await driver.ask('take', { count: 1, timeoutMs: excessTimeoutMs })
  await driver.ask('close', {})
  return [...records, ...excess.records]
}

export async function everyCodecKeepsEveryRecord(t: Test, c: ScenarioContext): Promise<void> {
  const { traits } = c.client
  for (const codec of c.client.codecs) {
    const topic = c.name(`codec-${codec}`)
    await c.driver.ask('create-topic', { topic, partitions: partitionCount })
    const first = [...makeRecords(c.random, traits, 41), makeLargeRecord(c.random, 1)]
    const second = makeRecords(c.random, traits, 40)
    const sent = [...first, ...second]
    const offsets: (number[] | null)[] = []
    for (const records of [first, second]) {
      offsets.push((await c.driver.ask('produce', { topic, codec, records })).offsets)
    }
    if (offsets[0]) t.same(offsets.flat(), offsetsFrom(sent), `${codec}: acknowledged offsets`)
    const read = await readAll(c.driver, topic, sent.length)
    t.equal(read.length, sent.length, `${codec}: as many records as were sent`)
    t.same(got(read, traits), expected(sent, traits), `${codec}: content and order`)
  }
}

export async function aReaderFromTheEndGetsWhatIsNew(t: Test, c: ScenarioContext): Promise<void> {
  const { traits } = c.client
  const topic = c.name('end')
  await c.driver.ask('create-topic', { topic, partitions: partitionCount })
  const old = makeRecords(c.random, traits, 22)
  await c.driver.ask('produce', { topic, codec: 'none', records: old })
  const ends = Object.fromEntries(
    Array.from({ length: partitionCount }, (_, p) => [p, ofPartition(old, p).length])
  )
  const reader = c.another()
  const { positions } = await reader.ask('open', { topic, from: 'end' })
  t.same(positions, ends, 'the reader starts at the end of each partition')
  const records = makeRecords(c.random, traits, 13)
  await c.driver.ask('produce', { topic, codec: 'none', records })
  const taken = await reader.ask('take', { count: 13, timeoutMs: takeTimeoutMs })
  const excess = await reader.ask('take', { count: 1, timeoutMs: excessTimeoutMs })
  await reader.ask('close', {})
  t.same(
    got([...taken.records, ...excess.records], traits),
    expected(records, traits, ends),
    'it gets the new records and no old one'
  )
}

export async function aTopicIsMadeByProducing(t: Test, c: ScenarioContext): Promise<void> {
  const { traits } = c.client
  const topic = c.name('auto')
  const records = makeRecords(c.random, traits, 24)
  const { offsets } = await c.driver.ask('produce', { topic, codec: 'none', records })
  if (offsets) t.same(offsets, offsetsFrom(records), 'acknowledged offsets')
  const { topics } = await c.driver.ask('list-topics', {})
  t.ok(topics.includes(topic), 'it is listed')
  const { partitions } = await c.driver.ask('describe-topic', { topic })
  t.equal(partitions, partitionCount, 'it has the default number of partitions')
  const read = await readAll(c.driver, topic, records.length)
  t.same(got(read, traits), expected(records, traits), 'content and order')
}

export async function offsetsAreFoundByTime(t: Test, c: ScenarioContext): Promise<void> {
  const topic = c.name('time')
  await c.driver.ask('create-topic', { topic, partitions: partitionCount })
  const start = Date.now() - 60_000
  const records = makeRecords(c.random, c.client.traits, 40, start)
  // Three requests, so that the search must choose between batches and within one.
  for (const part of [records.slice(0, 8), records.slice(8, 28), records.slice(28)]) {
    await c.driver.ask('produce', { topic, codec: 'none', records: part })
  }
  for (const timestamp of [start - 5, start, start + 95, start + 123, start + 360, start + 391]) {
    const want = Object.fromEntries(
      Array.from({ length: partitionCount }, (_, p) => [
        p,
        ofPartition(records, p).findIndex((record) => record.timestamp >= timestamp)
      ])
    )
    const { offsets } = await c.driver.ask('offsets-for-time', { topic, timestamp })
    t.same(offsets, want, `the first record at or after start ${timestamp - start} ms`)
  }
  const { offsets } = await c.driver.ask('end-offsets', { topic })
  t.same(offsets, { 0: 10, 1: 10, 2: 10, 3: 10 }, 'ends')
}
