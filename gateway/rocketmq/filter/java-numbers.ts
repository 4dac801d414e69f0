/**
 * Numbers in texts as Java's Integer, Long and Double read and compare them: RocketMQ compares a property, which is a
 * text, as what it is compared with.
 */

/** Undefined where Java throws NumberFormatException. */
export function javaInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const number = Number(text)
  return number === (number | 0) ? number | 0 : undefined
}

/** Digits of Long.MAX_VALUE. */
const longDigitsMax = 19
const longMin = -(2n ** 63n)
const longMax = 2n ** 63n - 1n

/** Undefined where Java throws NumberFormatException. */
export function javaLong(text: string): bigint | undefined {
  const [, sign, all] = /^([+-]?)(\d+)$/.exec(text) ?? []
  const digits = all?.replace(/^0+(?=\d)/, '')
  if (digits === undefined || digits.length > longDigitsMax) return undefined
  const number = BigInt(sign === '-' ? `-${digits}` : digits)
  return number >= longMin && number <= longMax ? number : undefined
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[fFdD]?$/
const hexadecimal = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/

/** Undefined where Java throws NumberFormatException. Space around it is fine, as are `1e3`, `1f`, `NaN`, `0x1p3`. */
export function javaDouble(text: string): number | undefined {
  const trimmed = trim(text)
  if (decimal.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ''))
  const [, sign, named] = /^([+-]?)(NaN|Infinity)$/.exec(trimmed) ?? []
  if (named !== undefined) return Number(named) * (sign === '-' ? -1 : 1)
  return hexadecimalDouble(trimmed)
}

function hexadecimalDouble(text: string): number | undefined {
  const [, sign, whole = '', fraction = '', exponent = ''] = hexadecimal.exec(text) ?? []
  const digits = whole + fraction
  if (digits === '') return undefined
  const mantissa = Number(BigInt(`0x${digits}`))
  const power = Number(exponent) - 4 * fraction.length
  // In two steps: 2^-1074 is the least that there is.
  const half = Math.trunc(power / 2)
  const value = mantissa === 0 ? 0 : mantissa * 2 ** half * 2 ** (power - half)
  return sign === '-' ? -value : value
}

/** String.trim: everything up to U+0020. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 32) start++
  while (end > start && text.charCodeAt(end - 1) <= 32) end--
  return text.slice(start, end)
}

/** Double.compareTo: NaN is above all and equal to itself, -0 below 0. */
export function compareDoubles(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (Object.is(a, b)) return 0
  if (Number.isNaN(a)) return 1
  if (Number.isNaN(b)) return -1
  return Object.is(a, -0) ? -1 : 1
}
