/**
 * RocketMQ's property string (MessageDecoder.string2messageProperties): name, U+0001, value, U+0002, again and again;
 * the last U+0002 may be missing (4.9 leaves it out). A part without U+0001, with an empty name or with an empty value
 * is no property; of several with one name the last counts. Worked on as bytes: neither separator occurs inside a
 * character of UTF-8, and what is no UTF-8 stays as it came.
 */

export const nameEnd = 1
export const propertyEnd = 2

export interface Property {
  readonly name: string
  /** The name as it came, U+0001 not included. */
  readonly nameBytes: Buffer
  readonly value: Buffer
}

export interface ParsedProperties {
  /** In the order sent, those of one name too. */
  readonly all: readonly Property[]
  /** The parts that are no property were none: `all` and `endsSeparated` make the same bytes again. */
  readonly isWhole: boolean
  /** The last separator was there. True for no bytes at all. */
  readonly endsSeparated: boolean
}

/** Never throws; all buffers are slices. */
export function parseProperties(bytes: Buffer): ParsedProperties {
  const all: Property[] = []
  let isWhole = true
  for (let at = 0; at < bytes.length; ) {
    const end = partEnd(bytes, at)
    const middle = nameEndOf(bytes, at, end)
    if (middle < 0) isWhole = false
    else {
      all.push({
        name: bytes.toString('utf8', at, middle),
        nameBytes: bytes.subarray(at, middle),
        value: bytes.subarray(middle + 1, end)
      })
    }
    at = end + 1
  }
  return { all, isWhole, endsSeparated: endsSeparated(bytes) }
}

/** The value that counts, or undefined. Never throws. */
export function propertyOf(bytes: Buffer, name: string): string | undefined {
  const wanted = Buffer.from(name)
  // From the end: the last one counts.
  for (let from = bytes.length; from >= 0; ) {
    const at = bytes.lastIndexOf(wanted, from)
    if (at < 0) return undefined
    const middle = at + wanted.length
    if (bytes[middle] === nameEnd && (at === 0 || bytes[at - 1] === propertyEnd)) {
      const end = partEnd(bytes, middle + 1)
      if (end > middle + 1) return bytes.toString('utf8', middle + 1, end)
    }
    from = at - 1
  }
  return undefined
}

/** Every property that counts. Names and values that are no UTF-8 are read as Java does (U+FFFD). */
export function propertyMap(bytes: Buffer): Map<string, string> {
  const map = new Map<string, string>()
  for (const { name, value } of parseProperties(bytes).all) map.set(name, value.toString())
  return map
}

/** One string of these, last separator included. The caller has seen to it that no separator is in them. */
export function formatProperties(
  all: Iterable<readonly [name: string | Buffer, value: string | Buffer]>
): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of all) {
    parts.push(bytesOf(name), nameEndBytes, bytesOf(value), propertyEndBytes)
  }
  return Buffer.concat(parts)
}

/**
 * The same string without the properties named in `without` and with `added` at its end, in their order; everything
 * else stays byte for byte, parts that are no property too. The last separator is there if it was.
 */
export function editProperties(
  bytes: Buffer,
  without: ReadonlySet<string>,
  added: readonly (readonly [name: string, value: string])[]
): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = partEnd(bytes, at)
    const middle = nameEndOf(bytes, at, end)
    const drop = middle >= 0 && without.has(bytes.toString('utf8', at, middle))
    if (!drop) parts.push(bytes.subarray(at, end), propertyEndBytes)
    at = end + 1
  }
  if (added.length > 0) parts.push(formatProperties(added))
  const edited = Buffer.concat(parts)
  return endsSeparated(bytes) ? edited : edited.subarray(0, -1)
}

function endsSeparated(bytes: Buffer): boolean {
  return bytes.length === 0 || bytes[bytes.length - 1] === propertyEnd
}

function partEnd(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(propertyEnd, at)
  return end < 0 ? bytes.length : end
}

/** Where the name of the part [at, end) ends; -1 if the part is no property. */
function nameEndOf(bytes: Buffer, at: number, end: number): number {
  // By hand: a search would run on past the part, for each of many parts again.
  let middle = at
  while (middle < end && bytes[middle] !== nameEnd) middle++
  return middle > at && middle < end - 1 ? middle : -1
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}

const nameEndBytes = Buffer.from([nameEnd])
const propertyEndBytes = Buffer.from([propertyEnd])
