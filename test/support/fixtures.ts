import { readFileSync } from 'node:fs'

/** The bytes of test/fixtures/<name>.hex: lines of hex digits, `#` lines say where they are from. */
export function fixture(name: string): Buffer {
  // Compiled tests run from dist/test/support.
  const text = readFileSync(new URL(`../../../test/fixtures/${name}.hex`, import.meta.url), 'utf8')
  const digits = text.replace(/^#.*$/gm, '').replace(/\s+/g, '')
  return Buffer.from(digits, 'hex')
}
