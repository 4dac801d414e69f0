/** A store on a faulty disk that is backed up, cut off and restored. */
import { checkStore } from '../../storage/check.ts'
import type { QueueUid } from '../../storage/contract.ts'
import { openStore } from '../../storage/open-store.ts'
import type { FlushMode, StoreSettings } from '../../storage/settings.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { appendOf, batchesOf, batchOf, keepPolicyOf } from './engine/world.ts'
import { noLog, tinySettings } from './store-under-test.ts'

export const topicId = 'ab'.repeat(16)

/** Bytes of a record; a segment takes a little more than a dozen. */
const recordBytes = 4000

export interface Opened {
  readonly store: Store
  readonly index: IndexCopies
}

export class BackupLife {
  readonly random: SeededRandom
  readonly clock = new FakeClock()
  disk: FaultyDisk
  settings: Partial<StoreSettings> = tinySettings
  flushMode: FlushMode = 'sync'
  #boots = 0

  constructor(seed: number, disk?: (random: SeededRandom) => FaultyDisk) {
    this.random = new SeededRandom(seed)
    const random = this.random.fork()
    this.disk = disk?.(random) ?? new FaultyDisk({ random })
    this.disk.addFolder('/data')
    this.disk.addFolder('/backups')
  }

  /** Opens a folder; LevelDB is what `index` has, or new. */
  async open(folder: string, index?: IndexCopies): Promise<Opened> {
    const its = index ?? new IndexCopies()
    await its.lay(index === undefined ? 'lost' : 'kept')
    const store = await openStore({
      folder,
      fileSystem: this.disk,
      clock: this.clock,
      random: this.random.fork(),
      log: noLog,
      openIndex: () => its.database,
      bootId: `boot ${++this.#boots}`,
      keepPolicyOf,
      flushMode: this.flushMode,
      settings: this.settings
    })
    return { store, index: its }
  }

  async problems(folder: string): Promise<string[]> {
    const { problems } = await checkStore(this.disk, folder)
    return problems.map((one) => JSON.stringify(one))
  }
}

/** Makes a topic; returns its queues. */
export async function makeTopic(
  store: Store,
  queueCount = 2,
  id = topicId,
  config: Readonly<Record<string, string>> = {}
): Promise<readonly QueueUid[]> {
  const names = { kafka: `t-${id.slice(0, 4)}`, rocketmq: `t-${id.slice(0, 4)}` }
  const topic = { id, names, queueCount, config }
  const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
  return topics[0]?.queues ?? []
}

/** The text of the record at an offset of a queue. */
export function valueAt(queue: QueueUid, offset: number): string {
  return `${queue}:${offset}:`.padEnd(recordBytes, 'x')
}

/** Appends `count` records one by one, from `offset` on; each says where it must stand. */
export async function append(
  store: Store,
  queue: QueueUid,
  offset: number,
  count: number
): Promise<number> {
  for (let at = offset; at < offset + count; at++)
    await store.commit({ appends: [appendOf(queue, batchOf([valueAt(queue, at)]))] })
  return offset + count
}

/** The offsets of a queue, each of which must hold its own record. */
export async function offsetsOf(store: Store, queue: QueueUid): Promise<number[]> {
  const [ends] = await store.endsOf([queue])
  const offsets: number[] = []
  for (let offset = ends?.logStartOffset ?? 0; offset < (ends?.highWatermark ?? 0); ) {
    const read = { queues: [{ queue, offset, maxBytes: 1_000_000 }], maxBytes: 1_000_000 }
    const [data] = await store.read({ ...read, isolation: 'uncommitted' })
    if (data === undefined || data instanceof Error) throw data ?? new Error('no answer')
    for (const batch of batchesOf(data)) {
      // What stands for records that were given up.
      if (batch.recordCount === 0) continue
      const at = batch.bytes.readInt32BE(4)
      if (!batch.bytes.includes(valueAt(queue, at)))
        throw new Error(`queue ${queue} has another record at ${at}`)
      offsets.push(at)
    }
    if (data.nextOffset === offset) break
    offset = data.nextOffset
  }
  return offsets
}

/** 0, 1, ... below `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
