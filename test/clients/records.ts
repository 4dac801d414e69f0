import type { SeededRandom } from '../support/seeded-random.ts'
import type { WireBytes, WireRecord } from './wire.ts'

/** What a client can put into a record; what it cannot is left out of the records made for it. */
export interface RecordTraits {
  nullHeaderValues: boolean
  /** Some clients keep headers in a map: duplicates and order between them are beyond it. */
  duplicateHeaders: boolean
  binaryKeys: boolean
  /** A key that is there and empty. */
  emptyKeys: boolean
  /** Sets a record's timestamp. */
  timestamps: boolean
}

export const partitionCount = 4
/** One record of this size in each codec: just below the default limit of a batch. */
export const largeValueBytes = 1_000_000

const text = (s: string): WireBytes => Buffer.from(s).toString('base64')

/** Records of every kind, dealt to partitions by turns; timestamps rise by 10 ms from `from`. */
export function makeRecords(
  random: SeededRandom,
  traits: RecordTraits,
  count: number,
  from = Date.now() - 60_000
): WireRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    partition: i % partitionCount,
    offset: -1,
    timestamp: from + i * 10,
    ...content(random, traits, i)
  }))
}

function content(
  random: SeededRandom,
  traits: RecordTraits,
  i: number
): Pick<WireRecord, 'key' | 'value' | 'headers'> {
  const value = text(`value ${i} ${random.bytes(12).toString('hex')}`)
  switch (i % 10) {
    case 0:
      return { key: null, value, headers: [] }
    case 1:
      return { key: text(`gone ${i}`), value: null, headers: [] } // a tombstone
    case 2:
      return { key: text(`empty ${i}`), value: '', headers: [] }
    case 3:
      return { key: traits.emptyKeys ? '' : null, value, headers: [] }
    case 4:
      return { key: text(`k${i}`), value, headers: headersOf(traits) }
    case 5:
      return { key: text(`k${i}`), value: random.bytes(200).toString('base64'), headers: [] }
    case 6: {
      const key = traits.binaryKeys ? random.bytes(16).toString('base64') : text(`k${i}`)
      return { key, value: text('ab'.repeat(3000)), headers: [['one', text('1')]] }
    }
    default:
      return { key: text(`k${i}`), value, headers: [] }
  }
}

function headersOf(traits: RecordTraits): [string, WireBytes][] {
  const headers: [string, WireBytes][] = [
    ['first', text('eins')],
    ['größe', text('42')],
    ['empty', '']
  ]
  if (traits.duplicateHeaders) headers.push(['twice', text('a')], ['twice', text('b')])
  if (traits.nullHeaderValues) headers.push(['null', null])
  return headers
}

/** A record that no codec makes smaller. */
export function makeLargeRecord(random: SeededRandom, partition: number): WireRecord {
  return {
    partition,
    offset: -1,
    timestamp: Date.now() - 30_000,
    key: text('large'),
    value: random.bytes(largeValueBytes).toString('base64'),
    headers: []
  }
}

/** The records of one partition, as told by a reader, in its order. */
export function ofPartition(records: readonly WireRecord[], partition: number): WireRecord[] {
  return records.filter((record) => record.partition === partition)
}
