/**
 * The blocks of one Zstandard frame (RFC 8878, 3.1.1.2 to 3.1.1.5), for a Node without a decoder of its own. Whatever
 * is in the bytes, a block gives 128 KiB at most and costs no more than that, and memory follows what was decoded.
 */
import { setImmediate } from 'node:timers/promises'
import { corrupt } from './compression-limits.ts'
import {
  BackwardBits,
  type EntropyTable,
  entropyTable,
  type HuffmanTable,
  readEntropyTable,
  readHuffmanTable,
  singleSymbol
} from './zstd-tables.ts'

export const blockBytesMax = 131_072

const nonsense = () => corrupt('a zstd block makes no sense')

/** Codes of lengths stand for a base and some bits more: bases follow each other without a gap. */
interface Lengths {
  readonly bits: readonly number[]
  readonly bases: readonly number[]
}

function lengthsFrom(first: number, bits: readonly number[]): Lengths {
  const bases: number[] = []
  let base = first
  for (const count of bits) {
    bases.push(base)
    base += 2 ** count
  }
  return { bits, bases }
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0)
const ones = (count: number): number[] => new Array<number>(count).fill(1)
const large = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
const literalLengths = lengthsFrom(0, [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, ...large])
const matchLengths = lengthsFrom(3, [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, ...large])

/** The three codes of a sequence: their tables' limits, and the table that needs no description. */
interface Kind {
  readonly logMax: number
  readonly symbolMax: number
  readonly predefined: EntropyTable
}

const twos = (count: number): number[] => new Array<number>(count).fill(2)
const less = (count: number): number[] => new Array<number>(count).fill(-1)
const kinds = {
  literals: {
    logMax: 9,
    symbolMax: 35,
    predefined: entropyTable(
      [4, 3, ...twos(11), 1, 1, 1, ...twos(9), 3, 2, ...ones(5), ...less(4)],
      6
    )
  },
  offsets: {
    logMax: 8,
    symbolMax: 31,
    predefined: entropyTable([...ones(6), 2, 2, 2, ...ones(15), ...less(5)], 5)
  },
  matches: {
    logMax: 9,
    symbolMax: 52,
    predefined: entropyTable([1, 4, 3, ...twos(6), ...ones(37), ...less(7)], 6)
  }
} as const satisfies Record<string, Kind>

interface Sequences {
  readonly literals: EntropyTable
  readonly offsets: EntropyTable
  readonly matches: EntropyTable
}

/** What is decoded before others get their turn, bytes. */
const bytesPerTurn = 1024 * 1024
/** Of the block being decoded: no block waits for anything. */
const blockLiterals = Buffer.allocUnsafeSlow(blockBytesMax)

/** Decodes the blocks that begin at `at`: at most `bytesMax` bytes. Rejects with CompressionError 'corrupt'. */
export function decodeBlocks(frame: Buffer, at: number, bytesMax: number): Promise<Buffer> {
  return new FrameDecoder(frame, bytesMax).run(at)
}

class FrameDecoder {
  readonly #bytes: Buffer
  readonly #max: number
  #out: Buffer
  #length = 0
  #huffman: HuffmanTable | undefined
  #tables: Sequences | undefined
  /** The last offsets, newest first. */
  readonly #recent = [1, 4, 8]

  constructor(bytes: Buffer, bytesMax: number) {
    this.#bytes = bytes
    this.#max = bytesMax
    this.#out = Buffer.allocUnsafe(Math.min(bytesMax, blockBytesMax))
  }

  async run(start: number): Promise<Buffer> {
    let at = start
    let turnAt = bytesPerTurn
    for (let isLast = false; !isLast; ) {
      if (at + 3 > this.#bytes.length) throw corrupt('a zstd frame is cut short')
      const header = this.#bytes.readUIntLE(at, 3)
      isLast = (header & 1) === 1
      at = this.#block((header >> 1) & 3, at + 3, header >> 3)
      if (this.#length < turnAt) continue
      turnAt = this.#length + bytesPerTurn
      await setImmediate()
    }
    const plain = this.#out.subarray(0, this.#length)
    // Whoever keeps it shall not keep far more than it is.
    return this.#length * 2 < this.#out.length ? Buffer.from(plain) : plain
  }

  /** Returns where the next one begins. */
  #block(type: number, at: number, size: number): number {
    const end = at + (type === 1 ? 1 : size)
    if (end > this.#bytes.length || size > blockBytesMax || type === 3) throw nonsense()
    if (type === 2) this.#compressed(at, end)
    else {
      this.#reserve(size)
      if (type === 0) this.#bytes.copy(this.#out, this.#length, at, end)
      else this.#out.fill(this.#bytes[at]!, this.#length, this.#length + size)
      this.#length += size
    }
    return end
  }

  /** Makes room for so many bytes more. */
  #reserve(bytes: number): void {
    const wanted = this.#length + bytes
    if (wanted > this.#max) throw nonsense()
    if (wanted <= this.#out.length) return
    const longer = Buffer.allocUnsafe(Math.min(this.#max, Math.max(wanted, this.#out.length * 2)))
    this.#out.copy(longer, 0, 0, this.#length)
    this.#out = longer
  }

  #compressed(start: number, end: number): void {
    const { at, length } = this.#readLiterals(start, end)
    if (at >= end) throw nonsense()
    let next = at + 1
    let count = this.#bytes[at]!
    if (count === 255) {
      count = 0x7f00 + this.#byte(next, end) + (this.#byte(next + 1, end) << 8)
      next += 2
    } else if (count > 127) count = ((count - 128) << 8) + this.#byte(next++, end)
    if (count > 0) this.#runSequences(count, next, end, length)
    else {
      if (next !== end) throw nonsense()
      this.#append(0, length)
    }
  }

  #byte(at: number, end: number): number {
    if (at >= end) throw nonsense()
    return this.#bytes[at]!
  }

  #append(from: number, to: number): void {
    this.#reserve(to - from)
    blockLiterals.copy(this.#out, this.#length, from, to)
    this.#length += to - from
  }

  /** Fills `blockLiterals`; returns how many there are and where their section ends. */
  #readLiterals(start: number, end: number): { at: number; length: number } {
    const bytes = this.#bytes
    const first = this.#byte(start, end)
    const type = first & 3
    const format = (first >> 2) & 3
    if (type >= 2) return this.#readCoded(start, end, type, format)
    const headBytes = [1, 2, 1, 3][format]!
    if (start + headBytes > end) throw nonsense()
    const length = bytes.readUIntLE(start, headBytes) >> (headBytes === 1 ? 3 : 4)
    const at = start + headBytes
    const after = at + (type === 0 ? length : 1)
    if (length > blockBytesMax || after > end) throw nonsense()
    if (type === 0) bytes.copy(blockLiterals, 0, at, after)
    else blockLiterals.fill(bytes[at]!, 0, length)
    return { at: after, length }
  }

  /** Huffman-coded ones, in one stream or four. */
  #readCoded(start: number, end: number, type: number, format: number) {
    const bytes = this.#bytes
    const headBytes = [3, 3, 4, 5][format]!
    const sizeBits = [10, 10, 14, 18][format]!
    if (start + headBytes > end) throw nonsense()
    const head = bytes.readUIntLE(start, headBytes)
    const size = 2 ** sizeBits
    const length = Math.floor(head / 16) % size
    const coded = Math.floor(head / 16 / size)
    let at = start + headBytes
    const after = at + coded
    if (length > blockBytesMax || after > end) throw nonsense()
    if (type === 2) {
      const read = readHuffmanTable(bytes, at, after)
      this.#huffman = read.table
      at = read.end
    }
    const table = this.#huffman
    if (table === undefined) throw nonsense()
    if (format === 0) this.#decode(table, at, after, 0, length)
    else {
      if (at + 6 > after) throw nonsense()
      const part = (length + 3) >> 2
      if (part * 3 > length) throw nonsense()
      let from = at + 6
      for (let i = 0; i < 4; i++) {
        const to = i === 3 ? after : from + bytes.readUInt16LE(at + i * 2)
        if (to > after) throw nonsense()
        this.#decode(table, from, to, i * part, i === 3 ? length : (i + 1) * part)
        from = to
      }
    }
    return { at: after, length }
  }

  /** One stream into `blockLiterals` from `from` to `to`: it must hold exactly these. */
  #decode(
    { log, symbols, bits }: HuffmanTable,
    start: number,
    end: number,
    from: number,
    to: number
  ) {
    const bytes = this.#bytes
    const mask = (1 << log) - 1
    let { left } = new BackwardBits(bytes, start, end)
    for (let i = from; i < to; i++) {
      const skip = left - log
      const at = start + (Math.max(skip, 0) >> 3)
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      const code = (skip >= 0 ? word >> (skip & 7) : word << -skip) & mask
      blockLiterals[i] = symbols[code]!
      left -= bits[code]!
      if (left < 0) throw nonsense()
    }
    if (left !== 0) throw nonsense()
  }

  #readTables(start: number, end: number): { tables: Sequences; at: number } {
    const modes = this.#byte(start, end)
    if ((modes & 3) !== 0) throw nonsense()
    let at = start + 1
    const read = (name: keyof Sequences, mode: number): EntropyTable => {
      const { logMax, symbolMax, predefined } = kinds[name]
      if (mode === 0) return predefined
      if (mode === 1) {
        const symbol = this.#byte(at++, end)
        if (symbol > symbolMax) throw nonsense()
        return singleSymbol(symbol)
      }
      if (mode === 2) {
        const found = readEntropyTable(this.#bytes, at, end, logMax, symbolMax)
        at = found.end
        return found.table
      }
      if (this.#tables === undefined) throw nonsense()
      return this.#tables[name]
    }
    const literals = read('literals', modes >> 6)
    const offsets = read('offsets', (modes >> 4) & 3)
    const matches = read('matches', (modes >> 2) & 3)
    return { tables: { literals, offsets, matches }, at }
  }

  /** Each takes some literals and repeats some of the output; the literals that are left follow. */
  #runSequences(count: number, start: number, end: number, literals: number): void {
    const { tables, at } = this.#readTables(start, end)
    this.#tables = tables
    const bits = new BackwardBits(this.#bytes, at, end)
    const blockEnd = this.#length + blockBytesMax
    let literal = bits.read(tables.literals.log)
    let offset = bits.read(tables.offsets.log)
    let match = bits.read(tables.matches.log)
    let taken = 0
    for (let left = count; left > 0; left--) {
      const distance = readOffset(bits, tables.offsets.symbols[offset]!)
      const length = readLength(bits, matchLengths, tables.matches.symbols[match]!)
      const some = readLength(bits, literalLengths, tables.literals.symbols[literal]!)
      if (left > 1) {
        literal = tables.literals.next[literal]! + bits.read(tables.literals.bits[literal]!)
        match = tables.matches.next[match]! + bits.read(tables.matches.bits[match]!)
        offset = tables.offsets.next[offset]! + bits.read(tables.offsets.bits[offset]!)
      }
      const isFitting = this.#length + some + length <= blockEnd && taken + some <= literals
      if (bits.left < 0 || !isFitting) throw nonsense()
      this.#append(taken, taken + some)
      taken += some
      this.#repeat(this.#distance(distance, some === 0), length)
    }
    if (bits.left !== 0 || this.#length + literals - taken > blockEnd) throw nonsense()
    this.#append(taken, literals)
  }

  /** What an offset's value stands for: up to 3 one of the last ones. */
  #distance(value: number, isWithoutLiterals: boolean): number {
    const recent = this.#recent
    if (value > 3) {
      recent.unshift(value - 3)
      recent.pop()
      return value - 3
    }
    const index = value - 1 + (isWithoutLiterals ? 1 : 0)
    if (index === 0) return recent[0]!
    const distance = index === 3 ? recent[0]! - 1 : recent[index]!
    recent.splice(Math.min(index, 2), 1)
    recent.unshift(distance)
    return distance
  }

  #repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) throw nonsense()
    this.#reserve(length)
    const out = this.#out
    const to = this.#length
    this.#length += length
    if (distance >= length) {
      out.copyWithin(to, to - distance, to - distance + length)
      return
    }
    // It repeats what it writes itself.
    for (let i = to; i < to + length; i++) out[i] = out[i - distance]!
  }
}

/** More bits than are read at once. */
const bitsAtOnce = 16

function readOffset(bits: BackwardBits, code: number): number {
  const rest = Math.max(0, code - bitsAtOnce)
  const high = bits.read(code - rest)
  return 2 ** code + high * 2 ** rest + bits.read(rest)
}

function readLength(bits: BackwardBits, { bits: counts, bases }: Lengths, code: number): number {
  return bases[code]! + bits.read(counts[code]!)
}
