/** Bodies that RocketMQ's client compresses. Passed by RocketMQ 5.3.3 too, but for Kafka's part. */
import type { Test } from 'tap'
import { kafkaConsume } from '../kafka-consume.ts'
import { bodies, type OwnStage, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'bodies compressed with zlib, LZ4 and zstd reach consumers as they were',
    since: 5,
    run: everyType
  },
  {
    name: 'bodies compressed with zlib, LZ4 and zstd reach Kafka inflated',
    since: 5,
    own: true,
    run: everyTypeToKafka
  }
]

const types = ['ZLIB', 'LZ4', 'ZSTD'] as const

/** A short and a long one; the client compresses both. */
function compressible(type: string): Buffer[] {
  return [`${type} short, short, short, short`, `${type} long `.repeat(20_000)].map((text) =>
    Buffer.from(text)
  )
}

/** Sends with every type; returns the bodies. */
async function sendAll({ another, name }: Stage): Promise<Buffer[]> {
  const driver = another()
  const all: Buffer[] = []
  for (const type of types) {
    const sent = compressible(type)
    const messages = sent.map((body) => ({ body: body.toString('base64') }))
    await driver.ask('Compressed.send', { type, topic: name('compressed'), messages })
    all.push(...sent)
  }
  return all
}

async function everyType(t: Test, stage: Stage): Promise<void> {
  const { another, name } = stage
  const sent = await sendAll(stage)
  const driver = another()
  await driver.consume({ group: name('compressed-group'), topic: name('compressed') })
  await driver.until('all were given', () => driver.given.length >= sent.length)
  t.same(bodies(driver.given), bodies(sent.map((body) => ({ body }))))
}

async function everyTypeToKafka(t: Test, stage: OwnStage): Promise<void> {
  const sent = await sendAll({ ...stage, name: (of) => stage.name(`kafka-${of}`) })
  const { all, consumer } = await kafkaConsume(
    stage.kafka,
    stage.name('kafka-compressed-group'),
    stage.name('kafka-compressed'),
    (all) => all.length >= sent.length
  )
  await consumer.disconnect()
  t.same(bodies(all.map(({ value }) => ({ body: value }))), bodies(sent.map((body) => ({ body }))))
}
