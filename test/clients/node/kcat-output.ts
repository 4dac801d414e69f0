import type { WireBytes, WireRecord } from '../wire.ts'

/**
 * kcat's -f: partition, offset, timestamp, sizes of key and value (-1 is null), and headers on one line; then key and
 * value as they are.
 */
export const recordFormat = '%p %o %T %K %S %h\\n%k%s'

const newline = 0x0a
const bytesOf = (raw: Buffer, size: number): WireBytes =>
  size < 0 ? null : raw.toString('base64', 0, size)

/** Returns a function that takes output piece by piece and returns the records that are whole. */
export function parseRecords(): (chunk: Buffer) => WireRecord[] {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    const records: WireRecord[] = []
    for (;;) {
      const end = rest.indexOf(newline)
      if (end < 0) return records
      const line = rest.toString('utf8', 0, end)
      const [partition, offset, timestamp, keySize, valueSize, ...headers] = line.split(' ')
      const [key, value] = [Number(keySize), Number(valueSize)]
      const body = end + 1
      const next = body + Math.max(0, key) + Math.max(0, value)
      if (rest.length < next) return records
      records.push({
        partition: Number(partition),
        offset: Number(offset),
        timestamp: Number(timestamp),
        key: bytesOf(rest.subarray(body), key),
        value: bytesOf(rest.subarray(body + Math.max(0, key)), value),
        headers: headersOf(headers.join(' '))
      })
      rest = rest.subarray(next)
    }
  }
}

function headersOf(text: string): [string, WireBytes][] {
  if (text === '') return []
  return text.split(',').map((pair) => {
    const [name = '', value = ''] = pair.split('=')
    return [name, Buffer.from(value).toString('base64')]
  })
}
