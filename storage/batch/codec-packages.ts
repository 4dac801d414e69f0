/**
 * The native codecs, loaded when a batch is first looked into: most servers never do, and each costs megabytes of
 * memory and milliseconds of a start.
 */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export function snappyPackage(): typeof import('snappy') {
  return load('snappy')
}

export function lz4Package(): typeof import('lz4-napi') {
  return load('lz4-napi')
}
