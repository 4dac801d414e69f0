// A compacted topic as a real client sees it, of a real server that is told to compact at once.
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { startIsthmus } from '../clients/server.ts'

const topic = 'table'
/** What makes a server compact within a second what others may keep for days. */
const impatient = {
  'cleanup.policy': 'compact',
  'max.compaction.lag.ms': '100',
  'delete.retention.ms': '100'
}

t.setTimeout(120_000)

t.test(
  'who reads a compacted topic from its beginning has the newest value of each key',
  async (t) => {
    const server = await startIsthmus(['--retention-check-interval-ms', '50'])
    t.teardown(() => server.close())
    const heard = linesOf(server)
    const kafka = new Kafka({ brokers: [server.bootstrap], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    t.teardown(() => admin.disconnect())
    const configEntries = Object.entries(impatient).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
    const producer = kafka.producer()
    await producer.connect()
    t.teardown(() => producer.disconnect())
    const send = (...messages: { key: string; value: string | null }[]) =>
      producer.send({ topic, messages })

    for (let i = 0; i < 60; i++) await send({ key: `k${i % 4}`, value: `${i}` })
    await send({ key: 'k0', value: null }, { key: 'k1', value: 'last' })
    // 58 of these 62 are superfluous; then the tombstone goes, though it is its key's newest.
    await heard.records(58)
    await send({ key: 'end', value: 'end' })
    await heard.horizon()
    const found = await readAll(kafka, 'end')
    t.same(found, ['58 k2=58', '59 k3=59', '61 k1=last', '62 end=end'])

    await t.rejects(producer.send({ topic, messages: [{ key: null, value: 'x' }] }), { code: 87 })

    await server.restart('SIGKILL')
    await send({ key: 'end', value: 'again' })
    t.same((await readAll(kafka, 'again')).slice(0, 3), found.slice(0, 3))
  }
)

/** What the server says of its passes. */
function linesOf(server: { heard: (text: string) => void }) {
  let rest = ''
  let removed = 0
  let wake = () => {}
  server.heard = (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.includes('"compacted"')) continue
      removed += (JSON.parse(line) as { removed: number }).removed
      wake()
    }
  }
  const until = async (holds: () => boolean) => {
    while (!holds())
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  return {
    records: (count: number) => until(() => removed >= count),
    horizon: () => until(() => removed >= 59)
  }
}

/** From the first offset to the record with that value. */
async function readAll(kafka: Kafka, last: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reader-of-${last}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found: string[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        message: { offset, key, value }
      }: {
        message: { offset: string; key: Buffer | null; value: Buffer | null }
      }) => {
        found.push(`${offset} ${key}=${value}`)
        if (`${value}` === last) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return found
}
