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
  const { bounds, isWhole } = propertyBounds(bytes)
  const all: Property[] = []
  for (let i = 0; i < bounds.length; i += 3) {
    const [start, middle, end] = [bounds[i]!, bounds[i + 1]!, bounds[i + 2]!]
    all.push({
      name: bytes.toString('utf8', start, middle),
      nameBytes: bytes.subarray(start, middle),
      value: bytes.subarray(middle + 1, end)
    })
  }
  return { all, isWhole, endsSeparated: endsSeparated(bytes) }
}

/**
 * Where the properties are, three numbers each: where the name starts, where it ends (the value starts one after it),
 * where the value ends. For the paths that each message takes: a slice costs more than all the numbers.
 */
export function propertyBounds(bytes: Buffer): { bounds: readonly number[]; isWhole: boolean } {
  const bounds: number[] = []
  let isWhole = true
  const { length } = bytes
  for (let start = 0; start < length; ) {
    let middle = -1
    let end = start
    for (; end < length; end++) {
      const byte = bytes[end]!
      if (byte === propertyEnd) break
      if (byte === nameEnd && middle < 0) middle = end
    }
    if (middle > start && middle < end - 1) bounds.push(start, middle, end)
    else isWhole = false
    start = end + 1
  }
  return { bounds, isWhole }
}

/** Whether `bytes[start, end)` are those of `text`. */
export function isAt(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

/** The value that counts, or undefined. Never throws. */
export function propertyOf(bytes: Buffer, name: string): string | undefined {
  const length = Buffer.byteLength(name)
  // From the end: the last one counts. The text itself is looked for: each message is asked for half a dozen names.
  for (let from = bytes.length; from >= 0; ) {
    const at = bytes.lastIndexOf(name, from)
    if (at < 0) return undefined
    const middle = at + length
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
  without: readonly string[],
  added: readonly (readonly [name: string, value: string])[]
): Buffer {
  return editedProperties(
    bytes,
    without.map((name) => Buffer.from(name)),
    formatProperties(added)
  )
}

/** The same with names as bytes, and `added` as a string with its last separator. */
export function editedProperties(bytes: Buffer, without: readonly Buffer[], added: Buffer): Buffer {
  const { bounds } = propertyBounds(bytes)
  const target = Buffer.allocUnsafe(bytes.length + 1 + added.length)
  let at = 0
  let from = 0
  for (let i = 0; i < bounds.length; i += 3) {
    const start = bounds[i]!
    if (!without.some((name) => isAt(bytes, start, bounds[i + 1]!, name))) continue
    at += bytes.copy(target, at, from, start)
    from = bounds[i + 2]! + 1
  }
  if (from < bytes.length) at += bytes.copy(target, at, from)
  const ended = endsSeparated(bytes)
  if (at > 0 && !ended && target[at - 1] !== propertyEnd) target[at++] = propertyEnd
  at += added.copy(target, at)
  return target.subarray(0, ended || at === 0 ? at : at - 1)
}

export function endsSeparated(bytes: Buffer): boolean {
  return bytes.length === 0 || bytes[bytes.length - 1] === propertyEnd
}

function partEnd(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(propertyEnd, at)
  return end < 0 ? bytes.length : end
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}

const nameEndBytes = Buffer.from([nameEnd])
const propertyEndBytes = Buffer.from([propertyEnd])
