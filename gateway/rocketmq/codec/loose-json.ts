/**
 * JSON as fastjson writes and reads it, which is a little more than JSON: map keys may be numbers or whole objects
 * (`{0:"a",{"queueId":0}:1}`), names may be bare, texts may be in single quotes or hold control characters, and commas
 * may be too many. Java clients send such bodies, and their parser takes them.
 */
import { ProtocolError } from './protocol-error.ts'

/** Nested objects and arrays; fastjson's own bodies have at most six. */
const depthMax = 64

/**
 * Parses a text. A key that is an object or an array becomes its compact JSON text, which is the other spelling that
 * fastjson takes for it. Throws ProtocolError.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return new LooseParser(text).parse()
  }
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  0: '\0',
  '"': '"',
  "'": "'",
  '/': '/',
  '\\': '\\'
}

class LooseParser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): unknown {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#fault('something follows')
    return value
  }

  #value(): unknown {
    this.#skipSpace()
    const first = this.#text[this.#at]
    if (first === '{') return this.#nested(() => this.#object())
    if (first === '[') return this.#nested(() => this.#array())
    if (first === '"' || first === "'") return this.#quoted(first)
    return literalOf(this.#word())
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > depthMax) throw this.#fault(`more than ${depthMax} levels`)
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null)
    while (!this.#ended('}')) {
      const key = this.#key()
      this.#skipSpace()
      if (this.#text[this.#at] !== ':') throw this.#fault('a colon is missing')
      this.#at++
      object[key] = this.#value()
      this.#checkAfterValue('}')
    }
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    while (!this.#ended(']')) {
      array.push(this.#value())
      this.#checkAfterValue(']')
    }
    return array
  }

  #key(): string {
    const first = this.#text[this.#at]
    if (first === '{' || first === '[') return JSON.stringify(this.#value())
    if (first === '"' || first === "'") return this.#quoted(first)
    return this.#word()
  }

  /** Skips spaces and commas; whether the closing bracket was met. */
  #ended(bracket: string): boolean {
    for (;;) {
      this.#skipSpace()
      const next = this.#text[this.#at]
      if (next === undefined) throw this.#fault(`'${bracket}' is missing`)
      if (next !== ',' && next !== bracket) return false
      this.#at++
      if (next === bracket) return true
    }
  }

  #checkAfterValue(bracket: string): void {
    this.#skipSpace()
    const next = this.#text[this.#at]
    if (next !== ',' && next !== bracket) throw this.#fault('a comma is missing')
  }

  #quoted(quote: string): string {
    let value = ''
    let from = ++this.#at
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined) throw this.#fault('a text has no end')
      if (next === quote) {
        value += this.#text.slice(from, this.#at++)
        return value
      }
      this.#at++
      if (next !== '\\') continue
      value += this.#text.slice(from, this.#at - 1) + this.#escape()
      from = this.#at
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? ''
    const plain = escapes[letter]
    if (plain !== undefined) return plain
    const digitCount = letter === 'u' ? 4 : letter === 'x' ? 2 : 0
    const digits = this.#text.slice(this.#at, this.#at + digitCount)
    if (digitCount === 0 || !/^[0-9a-f]+$/i.test(digits) || digits.length < digitCount) {
      throw this.#fault('an escape is unknown')
    }
    this.#at += digitCount
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #word(): string {
    const start = this.#at
    while (this.#at < this.#text.length && /[\w$.+-]/.test(this.#text[this.#at] as string)) {
      this.#at++
    }
    if (this.#at === start) throw this.#fault('a value is missing')
    return this.#text.slice(start, this.#at)
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) <= 0x20) this.#at++
  }

  #fault(reason: string): ProtocolError {
    return new ProtocolError(`no JSON: ${reason} at character ${this.#at}`)
  }
}

function literalOf(word: string): unknown {
  if (word === 'true') return true
  if (word === 'false') return false
  if (word === 'null' || word === 'undefined') return null
  // A suffix is fastjson's mark of a number's Java type.
  const number = Number(word.replace(/[BSLFD]$/, ''))
  if (Number.isNaN(number)) throw new ProtocolError(`no JSON: '${word.slice(0, 32)}' is no value`)
  return number
}
