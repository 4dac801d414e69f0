import {
  batchesIn,
  DecodedBatches,
  type RecordMessage
} from '../../../../gateway/broker/translate/index.ts'
import { type Engine, type QueueUid, StoreError } from '../../../../storage/index.ts'

export interface Copy {
  readonly message: RecordMessage
  readonly body: string
  readonly appendTimeMs: number
}

/** Every record of a queue as a message, with when it was appended. */
export async function readTarget(engine: Engine, queue: QueueUid): Promise<Copy[]> {
  const all: Copy[] = []
  const decoded = new DecodedBatches()
  for (let offset = 0; ; ) {
    const maxBytes = 1 << 20
    const [data] = await engine.read({
      queues: [{ queue, offset, maxBytes }],
      maxBytes,
      isolation: 'uncommitted',
      withOrigins: true
    })
    if (data === undefined || data instanceof StoreError) throw data
    if (data.bytes === 0) return all
    for (const batch of batchesIn(data.buffers) ?? []) {
      const source = {
        origin: 'rocketmq',
        topicId: '00'.repeat(16),
        queue,
        appendTimeMs: 0
      } as const
      for (const message of (await decoded.decode(source, batch)).from(offset)) {
        const origin = data.origins.find(({ nextOffset }) => nextOffset > message.offset)
        const appendTimeMs = origin?.appendTimeMs ?? -1
        all.push({ message, body: message.body.toString(), appendTimeMs })
      }
    }
    offset = data.nextOffset
  }
}
