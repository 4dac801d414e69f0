/** What tests of compaction write and read: records with keys. */
import { type BatchOptions, encodeBatch } from '../../../storage/batch/encode-batch.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import type { BatchRecord } from '../../../storage/batch/records.ts'
import type { QueueUid } from '../../../storage/contract.ts'
import type { World } from './world.ts'

/** Key and value; null: a tombstone. */
export type Entry = readonly [string, string | null]

/** A batch of one record for each entry, dated `timestamp`. */
export function entriesBatch(
  entries: readonly Entry[],
  timestamp: number,
  options: BatchOptions = {}
): RecordBatch {
  const records = entries.map(([key, value]) => ({
    timestamp,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value)
  }))
  return encodeBatch(records, options)
}

/** Appends one batch, dated now; returns its base offset. */
export function put(
  world: World,
  queue: QueueUid,
  entries: readonly Entry[],
  options: BatchOptions = {}
): Promise<number> {
  return world.append(queue, entriesBatch(entries, world.clock.now(), options))
}

/** What readers find, by offset: `3 key=value`. */
export async function found(world: World, queue: QueueUid, from = 0): Promise<string[]> {
  return (await world.recordsOf(queue, from)).map(textOf)
}

export function textOf({ offset, key, value }: BatchRecord): string {
  const text = value === null ? 'gone' : `${value}`.split(':', 1)[0]
  return `${offset} ${key}=${text}`
}

/** A topic's only queue, compacted. */
export async function compactedQueue(
  world: World,
  config: Record<string, string> = {},
  name = 'table'
): Promise<QueueUid> {
  const settings = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', ...config }
  return (await world.topic(name, 1, { config: settings })).queues[0]!
}

/** What a store goes through while nothing of a queue may change. */
export const restarts = [undefined, 'crash', 'reopen', 'crash'] as const

export async function restart(world: World, how: (typeof restarts)[number]): Promise<void> {
  if (how !== undefined) await world.under[how]()
}

/** A value of 3000 bytes that `found` tells by its name. */
export const padded = (name: string) => `${name}:${'x'.repeat(3000)}`

const fillerBytes = 20_000

/** Fills the open segment with another topic's records, so that it is sealed. */
export async function seal(world: World, filler: QueueUid): Promise<void> {
  const batch = () =>
    encodeBatch([
      { timestamp: 1, key: Buffer.from('filler'), value: Buffer.from('x'.repeat(fillerBytes)) }
    ])
  for (let i = 0; i < 4; i++) await world.append(filler, batch())
}
