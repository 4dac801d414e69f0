/** Bytes, made worse. */
import type { SeededRandom } from './seeded-random.ts'

/** Bytes that mean something in lengths, counts, flags and texts. */
const tellingBytes = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x2d]
const tellingWords = [-1, -2, 0x7fffffff, -0x80000000, 0x10000, 0x7fff]
const changesMax = 4

/** Changes what begins at `from`; a length in front of that (4 bytes) keeps its truth in most changes. */
type Change = (bytes: Buffer, random: SeededRandom, from: number) => Buffer

const changeBytes: Change = (bytes, random, from) => {
  const changed = Buffer.from(bytes)
  for (let left = random.between(1, changesMax); left > 0; left--) {
    const byte = random.chance(0.5) ? random.pick(tellingBytes) : random.integer(256)
    changed[random.between(Math.min(from, bytes.length - 1), bytes.length - 1)] = byte
  }
  return changed
}

/** A digit of a text: numbers in JSON and in header fields. */
const changeDigit: Change = (bytes, random, from) => {
  const digits = [...bytes.keys()].filter(
    (at) => at >= from && bytes[at]! >= 0x30 && bytes[at]! < 0x3a
  )
  if (digits.length === 0) return changeBytes(bytes, random, from)
  const changed = Buffer.from(bytes)
  changed[random.pick(digits)] = random.pick([0x2d, 0x39, 0x30, 0x2e, 0x65, 0x20])
  return changed
}

/** Large or negative counts. */
const changeWord: Change = (bytes, random, from) => {
  if (bytes.length < from + 4) return changeBytes(bytes, random, from)
  const changed = Buffer.from(bytes)
  changed.writeInt32BE(random.pick(tellingWords), random.between(from, bytes.length - 4))
  return changed
}

/** A number that is one more or less: counts that are nearly right. */
const nudgeByte: Change = (bytes, random, from) => {
  const changed = Buffer.from(bytes)
  const at = random.between(Math.min(from, bytes.length - 1), bytes.length - 1)
  changed[at] = changed[at]! + random.pick([-1, 1, -2, 2])
  return changed
}

const cutWithin: Change = (bytes, random, from) => {
  const cut = Buffer.from(bytes.subarray(0, random.between(from, bytes.length)))
  if (random.chance(0.7)) setLength(cut, from)
  return cut
}

const changeLength: Change = (bytes, random, from) => {
  if (from === 0) return changeWord(bytes, random, from)
  const changed = Buffer.from(bytes)
  changed[random.integer(4)] = random.pick(tellingBytes)
  return changed
}

const repeatPart: Change = (bytes, random, from) => {
  const start = random.between(from, bytes.length)
  const part = bytes.subarray(start, random.between(start, bytes.length))
  const longer = Buffer.concat([bytes.subarray(0, start), part, bytes.subarray(start)])
  setLength(longer, from)
  return longer
}

const leaveOut: Change = (bytes, random, from) => {
  const start = random.between(from, bytes.length)
  const end = Math.min(bytes.length, start + random.between(1, 16))
  const shorter = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  setLength(shorter, from)
  return shorter
}

function setLength(bytes: Buffer, from: number): void {
  if (from === 4) bytes.writeInt32BE(bytes.length - 4)
}

const changes: readonly Change[] = [
  ...[changeBytes, changeBytes, changeBytes, changeDigit, changeDigit, changeWord, changeWord],
  ...[nudgeByte, cutWithin, changeLength, repeatPart, leaveOut]
]

/** A frame, its length in front, changed in one way; at times in two. */
export function mutatedFrame(frame: Buffer, random: SeededRandom): Buffer {
  const once = random.pick(changes)(frame, random, 4)
  return random.chance(0.2) && once.length >= 8 ? random.pick(changes)(once, random, 4) : once
}

/** Bytes without a length in front, changed in one way to four. */
export function mutatedBytes(bytes: Buffer, random: SeededRandom): Buffer {
  let changed = bytes
  for (let left = random.between(1, changesMax); left > 0 && changed.length > 0; left--) {
    changed = random.pick(changes)(changed, random, 0)
  }
  return changed
}

/** The beginning of one and the end of another. */
export function spliced(one: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const start = one.subarray(0, random.integer(one.length + 1))
  return Buffer.concat([start, other.subarray(random.integer(other.length + 1))])
}
