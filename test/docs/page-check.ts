/** Compares a page of docs/ with what it is made from; UPDATE_DOCS=1 writes it instead (`npm run docs`). */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'

/** The folder of the documents. */
export const docsFolder = new URL('../../../docs/', import.meta.url)

/** Fails `t` when docs/`name` is not exactly `page`. */
export function checkPage(t: Test, name: string, page: string): void {
  const file = new URL(name, docsFolder)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, page)
  t.equal(readFileSync(file, 'utf8'), page, `docs/${name} is current; npm run docs makes it so`)
}
