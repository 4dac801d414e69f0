/** Compacted topics under load: keys are written again and again and sometimes deleted, while all is read. */
import type { SeededRandom } from '../support/seeded-random.ts'
import { Expiry, TombstoneAges } from './going-records.ts'
import type { CompactedTopics, HistoryEvent, RecordId } from './history.ts'
import { consume, type LoadOptions, Producer, readEverything, reread } from './load.ts'
import type { RawConnection } from './raw-connection.ts'
import { createTopic } from './raw-requests.ts'
import { keyedOf } from './record-content.ts'

const tombstoneMs = 2000
/** Of the topic of which the newest records go too once they are old. */
const retentionMs = 2500

/** How long a record waits for its compaction at most, ms; where the clock is moved by hand, and slowly. */
const lagMs = 400
const lagMsOwnClock = 60

const settings = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0',
  'delete.retention.ms': String(tombstoneMs)
}

export interface CompactedLoadOptions {
  readonly random: SeededRandom
  /** The first of the numbers that the history has for its partitions; it takes less than so many. */
  readonly base: number
  /** The server's clock, where it has one of its own: nobody has to wait then. */
  now?(): number
  record(event: HistoryEvent): void
}

const partitionsMax = 100

export class CompactedLoad implements CompactedTopics {
  readonly #base: number
  readonly #keeping: LoadOptions
  readonly #fading: LoadOptions
  #producers: readonly Producer[] = []
  #generation = 0
  readonly #settings: Readonly<Record<string, string>>

  constructor({ random, base, now, record }: CompactedLoadOptions) {
    this.#base = base
    const lag = String(now === undefined ? lagMs : lagMsOwnClock)
    this.#settings = { ...settings, 'max.compaction.lag.ms': lag }
    const ages = new TombstoneAges(tombstoneMs, now)
    const expiry = new Expiry(retentionMs, now)
    /** Who tells what is missing says first what may be. */
    const recordAged = (event: HistoryEvent): void => {
      ages.note(event)
      const ids = event.kind === 'given' || event.kind === 'read' ? ages.old() : []
      if (ids.length > 0) record({ kind: 'tombstones-may-go', ids })
      record(event)
    }
    const pace = now === undefined ? { pauseMs: 30 } : { now, rereadMsMax: 10 }
    const common = { random, isCompacted: true, ...pace }
    this.#keeping = { ...common, topic: 'compacted', partitions: 2, base, record: recordAged }
    const fadingBase = base + this.#keeping.partitions
    this.#fading = {
      ...common,
      topic: 'compacted-fading',
      partitions: 1,
      base: fadingBase,
      record: (event) => {
        expiry.note(event)
        recordAged(event)
      },
      beforeRead: (queue) => {
        const partition = fadingBase + queue
        record({ kind: 'may-go', partition, offset: expiry.youngest(partition) })
      }
    }
    this.renew()
  }

  /** Others take the producers' places, where what they sent may be gone, so that they cannot go on. */
  renew(): void {
    const one = (name: string) => `${name}${this.#generation}`
    this.#generation++
    // All of them idempotent: whatever is in doubt is sent again.
    this.#producers = [
      new Producer(one('keeper'), true, 1, this.#keeping),
      new Producer(one('renewer'), true, 4, this.#keeping),
      new Producer(one('fader'), true, 2, this.#fading)
    ]
  }

  has(partition: number): boolean {
    return partition >= this.#base && partition < this.#base + partitionsMax
  }

  keyedOf(id: RecordId) {
    return keyedOf(id)
  }

  async make(connection: RawConnection): Promise<void> {
    const { topic, partitions } = this.#keeping
    await createTopic(connection, topic, partitions, this.#settings)
    const fading = {
      ...this.#settings,
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(retentionMs)
    }
    await createTopic(connection, this.#fading.topic, this.#fading.partitions, fading)
    for (const one of [this.#keeping, this.#fading])
      one.record({ kind: 'topic-made', topic: one.topic })
  }

  /** All its clients; each resolves when the server is gone. */
  run(bootstrap: string): Promise<void>[] {
    const topics = [this.#keeping, this.#fading]
    return [
      ...this.#producers.map((producer) => producer.run(bootstrap)),
      ...topics.map((one) => consume(bootstrap, `${one.topic}-group`, one)),
      ...topics.map((one) => reread(bootstrap, one))
    ]
  }

  async readAll(bootstrap: string): Promise<number> {
    const keeping = await readEverything(bootstrap, this.#keeping)
    return keeping + (await readEverything(bootstrap, this.#fading))
  }
}
