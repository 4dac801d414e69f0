/**
 * What a compressed block of Zstandard is read with (RFC 8878, 4.1 to 4.2): bits from the end of a stream to its
 * beginning, tables of finite state entropy, Huffman tables. Bytes that make no sense throw a CompressionError; nothing
 * here loops or allocates by more than the tables' fixed limits.
 */
import { corrupt } from './compression-limits.ts'

/** Position of the highest bit that is set; -1 for 0. */
const highestBit = (value: number): number => 31 - Math.clz32(value)

const nonsense = () => corrupt('a zstd block makes no sense')

/** A stream that was written forwards and is read backwards; its last byte's highest bit ends it. */
export class BackwardBits {
  readonly bytes: Buffer
  readonly start: number
  /** Bits left to read; below 0: more were read than there are. */
  left: number

  constructor(bytes: Buffer, start: number, end: number) {
    const last = end > start && end <= bytes.length ? bytes[end - 1]! : 0
    if (last === 0) throw nonsense()
    this.bytes = bytes
    this.start = start
    this.left = (end - start - 1) * 8 + highestBit(last)
  }

  /** 0 to 24 bits. What is read beyond the beginning is worth nothing: ask `left`. */
  read(count: number): number {
    this.left -= count
    const { bytes, left } = this
    const at = this.start + (left >> 3)
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    return (word >>> (left & 7)) & ((1 << count) - 1)
  }
}

/** A state gives a symbol, and with some more bits the next state. */
export interface EntropyTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly next: Uint16Array
}

/** `weights` sum up to 2^log, -1 counting as 1. */
export function entropyTable(weights: readonly number[], log: number): EntropyTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  const next = new Uint16Array(size)
  const states = weights.map((weight) => (weight === -1 ? 1 : weight))
  let high = size
  for (const [symbol, weight] of weights.entries()) if (weight === -1) symbols[--high] = symbol
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  for (const [symbol, weight] of weights.entries()) {
    for (let left = weight; left > 0; left--) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= high)
    }
  }
  for (let i = 0; i < size; i++) {
    const state = states[symbols[i]!]!++
    const count = log - highestBit(state)
    bits[i] = count
    next[i] = (state << count) - size
  }
  return { log, symbols, bits, next }
}

/** One symbol again and again. */
export function singleSymbol(symbol: number): EntropyTable {
  const none = new Uint8Array(1)
  return { log: 0, symbols: Uint8Array.of(symbol), bits: none, next: new Uint16Array(1) }
}

/** Reads a table's description; returns where it ends, too. */
export function readEntropyTable(
  bytes: Buffer,
  start: number,
  end: number,
  logMax: number,
  symbolMax: number
): { readonly table: EntropyTable; readonly end: number } {
  let bit = 4
  /** Up to 16 bits, forwards; beyond the end there are zeros, and the end is checked below. */
  const peek = (count: number): number => {
    const at = start + (bit >> 3)
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    return (word >>> (bit & 7)) & ((1 << count) - 1)
  }
  const log = ((bytes[start] ?? 0) & 15) + 5
  if (start >= end || log > logMax) throw nonsense()
  const weights: number[] = []
  let left = 1 << log
  while (left > 0 && weights.length <= symbolMax) {
    const width = highestBit(left + 1) + 1
    const value = peek(width)
    const low = value & ((1 << (width - 1)) - 1)
    const spare = (1 << width) - 2 - left
    const isShort = low < spare
    bit += isShort ? width - 1 : width
    const weight = (isShort ? low : value >= 1 << (width - 1) ? value - spare : value) - 1
    weights.push(weight)
    left -= Math.abs(weight)
    if (weight !== 0) continue
    for (let zeros = 3; zeros === 3 && weights.length <= symbolMax; bit += 2) {
      zeros = peek(2)
      for (let i = 0; i < zeros; i++) weights.push(0)
    }
  }
  const after = start + ((bit + 7) >> 3)
  if (left !== 0 || weights.length > symbolMax + 1 || after > end) throw nonsense()
  return { table: entropyTable(weights, log), end: after }
}

/** The next bits of a code, as many as the longest has, give its symbol and how many of them it takes. */
export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

const weightsMax = 255
const huffmanLogMax = 11
const weightsLogMax = 6
const weightMax = 12

/** Reads the description of a Huffman table; returns where it ends, too. */
export function readHuffmanTable(
  bytes: Buffer,
  start: number,
  blockEnd: number
): { readonly table: HuffmanTable; readonly end: number } {
  const head = start < blockEnd ? bytes[start]! : 0
  const count = head - 127
  const end = start + 1 + (head < 128 ? head : (count + 1) >> 1)
  if (end > blockEnd) throw nonsense()
  const weights: number[] = []
  if (head < 128) readWeights(bytes, start + 1, end, weights)
  else {
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + 1 + (i >> 1)]!
      weights.push(i % 2 === 0 ? byte >> 4 : byte & 15)
    }
  }
  return { table: huffmanTable(weights), end }
}

/** By two states that take turns, until the bits are used up. */
function readWeights(bytes: Buffer, start: number, end: number, weights: number[]): void {
  const { table, end: at } = readEntropyTable(bytes, start, end, weightsLogMax, weightMax)
  const stream = new BackwardBits(bytes, at, end)
  let state = stream.read(table.log)
  let other = stream.read(table.log)
  if (stream.left < 0) throw nonsense()
  while (weights.length < weightsMax) {
    weights.push(table.symbols[state]!)
    const bits = table.bits[state]!
    if (stream.left < bits) {
      weights.push(table.symbols[other]!)
      return
    }
    const next = table.next[state]! + stream.read(bits)
    state = other
    other = next
  }
  throw nonsense()
}

/** The last symbol's weight is not told: it is what is missing to a power of two. */
function huffmanTable(told: readonly number[]): HuffmanTable {
  let sum = 0
  for (const weight of told) {
    if (weight > huffmanLogMax) throw nonsense()
    sum += weight === 0 ? 0 : 1 << (weight - 1)
  }
  const log = highestBit(sum) + 1
  const rest = (1 << log) - sum
  const isPowerOfTwo = (rest & (rest - 1)) === 0
  if (sum === 0 || log > huffmanLogMax || !isPowerOfTwo) throw nonsense()
  const weights = [...told, highestBit(rest) + 1]
  if (weights.length > weightsMax + 1) throw nonsense()
  const symbols = new Uint8Array(1 << log)
  const bits = new Uint8Array(1 << log)
  let at = 0
  for (let weight = 1; weight <= log; weight++) {
    for (const [symbol, one] of weights.entries()) {
      if (one !== weight) continue
      const next = at + (1 << (weight - 1))
      symbols.fill(symbol, at, next)
      bits.fill(log + 1 - weight, at, next)
      at = next
    }
  }
  return { log, symbols, bits }
}
