/**
 * When to kill a server so that it dies in the middle of what a store does by itself. An aim may miss: autopsy.ts says
 * what a store was killed in.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { readEntryPrefix } from '../../storage/layout/entry.ts'
import {
  entryKinds,
  footerMagic,
  groupHeaderBytes,
  incompatibleFeatures,
  segmentFooterBytes,
  segmentHeaderBytes
} from '../../storage/layout/format.ts'
import { decodeSegmentHeader } from '../../storage/layout/segment.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FolderWatch, Happening } from './folder-watch.ts'

/**
 * What a store can be killed in, as its files tell afterwards. `rolling`: a segment is there that the log has not begun
 * to use. `snapshot`: one is being written. `deleting`: segments are out of the live set, and files of them there.
 * `copying`: a cleaner's copy is being written. `swapping`: the copy is in the live set, and sources of it there.
 * `compacting` and `replacing` are the same of a pass of log compaction.
 */
export type OwnWork =
  | 'rolling'
  | 'snapshot'
  | 'deleting'
  | 'copying'
  | 'swapping'
  | 'compacting'
  | 'replacing'

/** What an aim has to go by. */
export interface Scene {
  readonly data: string
  /** Of log, snapshots and index. */
  readonly watch: FolderWatch
  readonly random: SeededRandom
  /** Resolves when the server has done one pass of log compaction more. */
  passed(): Promise<void>
  /** To the server; false when it is no more. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): boolean
}

/**
 * What a server has to do. `goes`: much is written, and nearly all of it deleted soon. `stays`: a few records stay among
 * these, so that segments are cleaned and not deleted. `compacted`: nothing is written but to compacted topics, for a pass
 * has to do with each segment that has any of theirs.
 */
export type Load = 'goes' | 'stays' | 'compacted'

export interface Aim {
  readonly at: OwnWork
  readonly load: Load
  /** Of `--cleaner-bytes-per-second-max`. */
  readonly cleanerPace: number
  /** Resolves when it is time. */
  due(scene: Scene): Promise<void>
}

const fast = 2 ** 30
/** A copy of some tens of kilobytes takes some tenths of a second. */
const slow = 131_072
/** Within which a slow copy is hit, ms. */
const copyingMsMax = 150
/** What compaction reads counts too, and each record; it must not fall far behind what is written. */
const compactingPace = 2 ** 24
/** Within which its copy is hit, ms. */
const compactingMsMax = 15
/** Passes that are waited for: fewer than so many. Only when one is done a later one takes tombstones away. */
const passesMax = 3

const isSegment = ({ folder, name }: Happening): boolean =>
  folder === 'log' && name.endsWith('.segment')

/** One for each kind of work. */
export const aims: readonly Aim[] = [
  {
    at: 'rolling',
    load: 'goes',
    cleanerPace: fast,
    due: async ({ watch, random }) => {
      // Not always the first: there is a history to each.
      for (let left = random.integer(8); left >= 0; left--) {
        await watch.first((one) => isSegment(one) && one.what === 'made')
      }
    }
  },
  {
    at: 'snapshot',
    load: 'goes',
    cleanerPace: fast,
    due: async ({ watch, random }) => {
      for (let left = random.integer(4); left >= 0; left--) {
        await watch.first(({ folder, name }) => folder === 'snapshots' && name.endsWith('.new'))
      }
    }
  },
  {
    at: 'deleting',
    load: 'goes',
    cleanerPace: fast,
    due: ({ watch }) => watch.first((one) => isSegment(one) && one.what === 'gone')
  },
  {
    at: 'copying',
    load: 'stays',
    cleanerPace: slow,
    due: async ({ data, watch, random }) => {
      await firstCopy(data, watch)
      await setTimeout(random.integer(copyingMsMax))
    }
  },
  {
    at: 'swapping',
    load: 'stays',
    cleanerPace: fast,
    due: async ({ data, watch }) => {
      await firstCopy(data, watch)
      await watch.first((one) => isSegment(one) && one.what === 'gone')
    }
  },
  {
    at: 'compacting',
    load: 'compacted',
    cleanerPace: compactingPace,
    due: async ({ data, watch, random, passed }) => {
      for (let left = random.integer(passesMax); left > 0; left--) await passed()
      // Each copy is written to a few times.
      for (let left = random.integer(8); left >= 0; left--) {
        await watch.first((one) => isCompaction(data, one))
      }
      await setTimeout(random.integer(compactingMsMax))
    }
  },
  {
    at: 'replacing',
    load: 'compacted',
    cleanerPace: fast,
    due: replacing
  }
]

/** How long a server that is looked at step by step runs in between, and how long it takes to hear what it did, ms. */
const stepMs = 1
const hearingMs = 4

/**
 * When a finished copy is in the live set the index follows, and the source goes, all within a few milliseconds: too
 * few on a busy machine, unless the server stands still whenever it is looked at.
 */
async function replacing({ data, watch, random, passed, signal }: Scene): Promise<void> {
  const finished = (): Promise<void> =>
    watch.first((one) => isCompaction(data, one) && isFinished(data, one.name))
  for (let left = random.integer(passesMax); left > 0; left--) await passed()
  for (;;) {
    await finished()
    let isIndexed = false
    let isGone = false
    void watch
      .first(({ folder }) => folder === 'index')
      .then(() => {
        isIndexed = true
      })
    void watch
      .first((one) => isSegment(one) && one.what === 'gone')
      .then(() => {
        isGone = true
      })
    while (!isIndexed && !isGone) {
      if (!signal('SIGCONT')) return
      await setTimeout(stepMs)
      if (!signal('SIGSTOP')) return
      await setTimeout(hearingMs)
    }
    // Too late for that: now and then it dies right here, for a source must not go before its copy is in its place.
    if (!isGone || random.integer(2) === 0) return
    if (!signal('SIGCONT')) return
  }
}

function firstCopy(data: string, watch: FolderWatch): Promise<void> {
  return watch.first((one) => isSegment(one) && one.what !== 'gone' && isCopyFile(data, one.name))
}

/** A copy that begins with what it stands for: compaction's, or one that a cleaner made of such. */
function isCompaction(data: string, one: Happening): boolean {
  return isSegment(one) && one.what === 'changed' && beginsWithStretches(data, one.name)
}

function isCopyFile(data: string, name: string): boolean {
  const header = decodeSegmentHeader(bytesOf(data, name))
  return typeof header !== 'string' && (header.incompatible & incompatibleFeatures.copied) !== 0
}

function beginsWithStretches(data: string, name: string): boolean {
  const entry = readEntryPrefix(bytesOf(data, name), segmentHeaderBytes + groupHeaderBytes)
  return isCopyFile(data, name) && entry?.kind === entryKinds.stretches
}

/** Whether it ends with a footer. */
function isFinished(data: string, name: string): boolean {
  const bytes = bytesOf(data, name)
  return (
    bytes.length >= segmentFooterBytes &&
    bytes.readUInt32BE(bytes.length - segmentFooterBytes) === footerMagic
  )
}

/** Of a segment's file; none if it is not there (any more). */
function bytesOf(data: string, name: string): Buffer {
  try {
    return readFileSync(join(data, 'log', name))
  } catch {
    return Buffer.alloc(0)
  }
}
