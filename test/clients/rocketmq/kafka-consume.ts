import type { Consumer, Kafka } from 'kafkajs'

export interface KafkaRecord {
  readonly partition: number
  readonly offset: string
  readonly key: string | undefined
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** A kafkajs consumer that collects what it is given, until `is` holds; it is left running. */
export async function kafkaConsume(
  kafka: Kafka,
  groupId: string,
  topic: string,
  is: (all: readonly KafkaRecord[]) => boolean
): Promise<{ all: KafkaRecord[]; consumer: Consumer }> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200, retry: { retries: 0 } })
  const all: KafkaRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${all.length} records only`)), 45_000)
    consumer.on('consumer.crash', ({ payload }) => {
      clearTimeout(timer)
      reject(payload.error)
    })
    const eachMessage = async ({ partition, message }: { partition: number; message: never }) => {
      const { offset, key, value, headers } = message as {
        offset: string
        key: Buffer | null
        value: Buffer
        headers: Record<string, Buffer>
      }
      const texts = Object.entries(headers).map(([name, text]) => [name, text.toString()])
      const record = { partition, offset, key: key?.toString(), value }
      all.push({ ...record, headers: Object.fromEntries(texts) })
      if (!is(all)) return
      clearTimeout(timer)
      resolve()
    }
    consumer.run({ autoCommitInterval: 100, eachMessage: eachMessage as never }).catch(reject)
  })
  return { all, consumer }
}

/** Resolves once the group's committed offsets of the topic add up to `sum`, as a Kafka client sees them. */
export async function untilCommitted(
  kafka: Kafka,
  groupId: string,
  topic: string,
  sum: number
): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const deadlineMs = Date.now() + 45_000
  try {
    for (;;) {
      const [fetched] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const offsets = fetched?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? []
      const committed = offsets.reduce((all, one) => all + one, 0)
      if (committed === sum) return
      if (Date.now() > deadlineMs) throw new Error(`${groupId} committed ${offsets}, not ${sum}`)
    }
  } finally {
    await admin.disconnect()
  }
}
