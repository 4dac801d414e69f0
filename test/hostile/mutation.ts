/** Requests, made worse. */
import type { SeededRandom } from '../support/seeded-random.ts'

/** Bytes that mean something in lengths, counts, flags and texts. */
const tellingBytes = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x2d]
const changesMax = 4

type Change = (bytes: Buffer, random: SeededRandom) => Buffer

/** Behind the length in front, which keeps its truth. */
const changeBytes: Change = (bytes, random) => {
  const changed = Buffer.from(bytes)
  for (let left = random.between(1, changesMax); left > 0; left--) {
    const byte = random.chance(0.5) ? random.pick(tellingBytes) : random.integer(256)
    changed[random.between(Math.min(4, bytes.length - 1), bytes.length - 1)] = byte
  }
  return changed
}

/** A digit of a text: numbers in JSON and in header fields. */
const changeDigit: Change = (bytes, random) => {
  const digits = [...bytes.keys()].filter(
    (at) => at >= 4 && bytes[at]! >= 0x30 && bytes[at]! < 0x3a
  )
  if (digits.length === 0) return changeBytes(bytes, random)
  const changed = Buffer.from(bytes)
  changed[random.pick(digits)] = random.pick([0x2d, 0x39, 0x30, 0x2e, 0x65, 0x20])
  return changed
}

/** Large or negative counts. */
const changeWord: Change = (bytes, random) => {
  if (bytes.length < 8) return changeBytes(bytes, random)
  const changed = Buffer.from(bytes)
  const word = random.pick([-1, -2, 0x7fffffff, -0x80000000, 0x10000, 0x7fff])
  changed.writeInt32BE(word, random.between(4, bytes.length - 4))
  return changed
}

const cutWithin: Change = (bytes, random) => {
  const cut = Buffer.from(bytes.subarray(0, random.between(4, bytes.length)))
  if (random.chance(0.7)) cut.writeInt32BE(cut.length - 4)
  return cut
}

const changeLength: Change = (bytes, random) => {
  const changed = Buffer.from(bytes)
  changed[random.integer(4)] = random.pick(tellingBytes)
  return changed
}

const repeatPart: Change = (bytes, random) => {
  const from = random.between(4, bytes.length)
  const part = bytes.subarray(from, random.between(from, bytes.length))
  const longer = Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(from)])
  longer.writeInt32BE(longer.length - 4)
  return longer
}

const changes: readonly Change[] = [
  ...[changeBytes, changeBytes, changeBytes, changeDigit, changeDigit, changeWord, changeWord],
  ...[cutWithin, changeLength, repeatPart]
]

/** A request, the length of its frame in front, changed in one way; at times in two. */
export function mutated(request: Buffer, random: SeededRandom): Buffer {
  const once = random.pick(changes)(request, random)
  return random.chance(0.2) && once.length >= 8 ? random.pick(changes)(once, random) : once
}
