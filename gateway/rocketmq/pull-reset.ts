/** Pulls of a group whose places were given anew. */
import { stateKeys } from '../../storage/index.ts'
import { toKafkaGroupName } from '../broker/names.ts'
import type { ResetQueue } from './clients/offset-resets.ts'
import type { RequestContext } from './context.ts'

/** Where the group is to go on, said once; undefined where the consumer goes on from `offset`. */
export async function takeReset(
  queue: ResetQueue,
  offset: number,
  { resets, engine }: RequestContext
): Promise<number | undefined> {
  const reset = resets.offsetOf(queue)
  if (reset === undefined) return undefined
  resets.settle(queue)
  const { group, topicId, queueId } = queue
  const key = stateKeys.committedOffset(toKafkaGroupName(group), topicId, queueId)
  const stored = await engine.readState(key, { settled: true })
  // A Kafka client of the group may have gone on from there in the meantime.
  if (stored?.row.offset !== reset) return undefined
  return reset === offset ? undefined : reset
}

/** Runs a wait with a signal that aborts too when the queue is reset. */
export async function untilReset<T>(
  queue: ResetQueue,
  { resets, signal }: RequestContext,
  wait: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const stop = new AbortController()
  const abort = () => stop.abort()
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const unwatch = resets.watch(queue, abort)
  try {
    return await wait(stop.signal)
  } finally {
    unwatch()
    signal.removeEventListener('abort', abort)
  }
}
