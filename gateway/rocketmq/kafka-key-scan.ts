/**
 * Looks through what was stored last for records of Kafka's clients with a key: no index has them. From the end of the
 * time window back, in all of the topic's queues by turns, as far as the limits go.
 */
import type { QueueData, QueueUid, Topic } from '../../storage/contract.ts'
import { StoreError } from '../../storage/index.ts'
import { batchesIn } from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import type { PlacedMessage } from './message-at.ts'
import { hasKey, type KeyWanted } from './message-keys.ts'

/** Offsets that are looked at together: a read goes forward, the search goes back. */
const stepOffsets = 512
/** Of one read. */
const readBytesMax = 256 * 1024

/** A queue's part of the time window that was not looked at yet. */
interface Left {
  readonly queue: QueueUid
  readonly queueId: number
  readonly from: number
  to: number
}

type Wanted = Pick<KeyWanted, 'key' | 'fromMs' | 'toMs' | 'countMax'>

/** At most `wanted.countMax`, in no special order. Rejects with StoreError. */
export async function scanForKey(
  topic: Topic,
  wanted: Wanted,
  context: RequestContext
): Promise<readonly PlacedMessage[]> {
  const { clock, limits } = context
  const endMs = clock.monotonicMs() + limits.keyScanMsMax
  let bytesLeft = limits.keyScanBytesMax
  let open = await windowsOf(topic, wanted, context)
  const found: PlacedMessage[] = []
  while (open.length > 0) {
    for (const left of open) {
      const from = Math.max(left.from, left.to - stepOffsets)
      for (let at = from; at < left.to; ) {
        if (bytesLeft <= 0 || clock.monotonicMs() > endMs) return found
        const data = await read(left.queue, at, context)
        if (data === undefined || data.nextOffset <= at) break
        bytesLeft -= data.bytes
        const range = { topic, left, at, to: left.to }
        for (const one of await kafkaMessages(range, data, context)) {
          if (hasKey(one.message, wanted.key)) found.push(one)
        }
        if (found.length >= wanted.countMax) return found
        at = data.nextOffset
      }
      left.to = from
    }
    open = open.filter(({ from, to }) => from < to)
  }
  return found
}

async function windowsOf(
  { queues }: Topic,
  { fromMs, toMs }: Wanted,
  { engine }: RequestContext
): Promise<Left[]> {
  const all = await Promise.all(
    queues.map(async (queue, queueId) => {
      const [ends] = await engine.endsOf([queue])
      if (ends === undefined || ends.lastStableOffset === ends.logStartOffset) return undefined
      const first = await engine.offsetByTime(queue, fromMs, 'append')
      const after = toMs < Number.MAX_SAFE_INTEGER ? toMs + 1 : toMs
      const past = await engine.offsetByTime(queue, after, 'append')
      const end = ends.lastStableOffset
      return { queue, queueId, from: first?.offset ?? end, to: Math.min(past?.offset ?? end, end) }
    })
  )
  return all.filter((one): one is Left => one !== undefined && one.from < one.to)
}

/** Undefined where nothing can be read there any more. */
async function read(
  queue: QueueUid,
  offset: number,
  { engine }: RequestContext
): Promise<QueueData | undefined> {
  const [data] = await engine.read({
    queues: [{ queue, offset, maxBytes: readBytesMax }],
    maxBytes: readBytesMax,
    isolation: 'committed',
    withOrigins: true
  })
  return data instanceof StoreError ? undefined : data
}

interface Range {
  readonly topic: Topic
  readonly left: Left
  readonly at: number
  readonly to: number
}

async function kafkaMessages(
  { topic, left: { queue, queueId }, at, to }: Range,
  { buffers, origins }: QueueData,
  { decoded }: RequestContext
): Promise<PlacedMessage[]> {
  const found: PlacedMessage[] = []
  for (const batch of batchesIn(buffers) ?? []) {
    const baseOffset = Number(batch.bytes.readBigInt64BE(0))
    if (baseOffset >= to) break
    const origin = origins.find(({ nextOffset }) => nextOffset > baseOffset)
    if (origin?.origin !== 'kafka') continue
    const { appendTimeMs } = origin
    const source = { origin: origin.origin, topicId: topic.id, queue, appendTimeMs }
    for (const message of (await decoded.decode(source, batch)).from(at)) {
      if (message.offset < to) found.push({ topic, queue, queueId, message })
    }
  }
  return found
}
