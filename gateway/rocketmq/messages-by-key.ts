/**
 * Messages with a key: UNIQ_KEY, or one of KEYS. The store's index has what RocketMQ's clients sent. Of a Kafka client's
 * record the derived UNIQ_KEY says where it is; its own key is looked for in what was stored last.
 */
import type { KeyMatch, Topic } from '../../storage/contract.ts'
import {
  offsetInWindow,
  parseDerivedUniqueKey,
  physicalOffsetOf,
  uniqueKeyName
} from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import { scanForKey } from './kafka-key-scan.ts'
import { messageAt, type PlacedMessage } from './message-at.ts'
import { hasKey, type KeyWanted } from './message-keys.ts'

/** The store finds by hash, and what is gone too: so many are asked for at most to find what is wanted. */
const matchesMax = 10_000

/** The newest ones, the oldest of them first. Rejects with StoreError. */
export async function messagesByKey(
  topic: Topic,
  wanted: KeyWanted,
  context: RequestContext
): Promise<readonly PlacedMessage[]> {
  const found = new Map<bigint, PlacedMessage>()
  const take = (one: PlacedMessage | undefined) => {
    if (one === undefined || found.size >= wanted.countMax) return
    found.set(physicalOffsetOf(one.queue, one.message.offset), one)
  }
  if (wanted.isUnique) take(await messageByDerivedKey(topic, wanted.key, context))
  for (const one of await indexed(topic, wanted, context)) take(one)
  if (!wanted.isUnique && found.size < wanted.countMax) {
    const left = { ...wanted, countMax: wanted.countMax - found.size }
    for (const one of await scanForKey(topic, left, context)) take(one)
  }
  return [...found]
    .sort(([a, { message: x }], [b, { message: y }]) => {
      return x.storeTimestampMs - y.storeTimestampMs || (a < b ? -1 : 1)
    })
    .map(([, one]) => one)
}

async function indexed(
  topic: Topic,
  { key, fromMs, toMs, countMax }: KeyWanted,
  context: RequestContext
): Promise<readonly PlacedMessage[]> {
  for (let ask = Math.min(countMax, matchesMax); ; ask = Math.min(ask * 8, matchesMax)) {
    const query = { topicId: topic.id, key, fromMs, toMs, countMax: ask }
    const matches = await context.engine.findByKey(query)
    const found = await withKey(matches, key, countMax, context)
    if (found.length >= countMax || matches.length < ask || ask === matchesMax) return found
  }
}

/** Those that are there and have the key, not only its hash. */
async function withKey(
  matches: readonly KeyMatch[],
  key: string,
  countMax: number,
  context: RequestContext
): Promise<PlacedMessage[]> {
  const found: PlacedMessage[] = []
  for (const { queue, offset } of matches) {
    if (found.length >= countMax) break
    const one = await messageAt(physicalOffsetOf(queue, offset), context)
    if (one !== undefined && hasKey(one.message, key)) found.push(one)
  }
  return found
}

/** A Kafka client's record by the UNIQ_KEY that RocketMQ's consumers see, whenever it was stored. */
async function messageByDerivedKey(
  topic: Topic,
  key: string,
  context: RequestContext
): Promise<PlacedMessage | undefined> {
  const derived = parseDerivedUniqueKey(key)
  if (derived === undefined || !topic.id.startsWith(derived.topicIdStart)) return undefined
  const { queue, lowOffset } = derived
  if (!topic.queues.includes(queue)) return undefined
  const [ends] = await context.engine.endsOf([queue])
  const offset = ends && offsetInWindow(lowOffset, ends)
  if (offset === undefined) return undefined
  const one = await messageAt(physicalOffsetOf(queue, offset), context)
  return one?.message.property(uniqueKeyName) === key ? one : undefined
}
