/**
 * Records that RocketMQ's clients sent with compressed bodies, as Kafka's clients can read them. Most reads have none of
 * them and are passed on as they are.
 */
import type { OriginOf, QueueData, QueueUid } from '../../../storage/contract.ts'
import { batchesIn, type KafkaBatches } from '../../broker/translate/index.ts'

/**
 * What was read, with those bodies inflated: as many whole batches as `maxBytes` allow then, and one at least. For reads
 * that `hasCompressedBodies` and that were asked for their origins.
 */
export async function withPlainBodies(
  queue: QueueUid,
  data: QueueData,
  maxBytes: number,
  batches: KafkaBatches
): Promise<QueueData> {
  const all = batchesIn(data.buffers)
  if (all === undefined) return data
  const buffers: Buffer[] = []
  let bytes = 0
  let nextOffset = data.nextOffset
  for (const batch of all) {
    const baseOffset = Number(batch.bytes.readBigInt64BE(0))
    // A Kafka client may write anything into its records: what looks like a compressed body there is none.
    const isNative = originAt(data.origins, baseOffset) === 'rocketmq'
    const plain = isNative ? (await batches.inflate(queue, batch)).batch.bytes : batch.bytes
    if (buffers.length > 0 && bytes + plain.length > maxBytes) break
    buffers.push(plain)
    bytes += plain.length
    nextOffset = baseOffset + batch.lastOffsetDelta + 1
  }
  return { ...data, buffers, bytes, nextOffset }
}

function originAt(origins: readonly OriginOf[], offset: number) {
  return origins.find(({ nextOffset }) => nextOffset > offset)?.origin
}
