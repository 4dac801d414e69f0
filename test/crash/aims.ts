/**
 * When to kill a server so that it dies in the middle of what a store does by itself. An aim may miss: autopsy.ts says
 * what a store was killed in.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { incompatibleFeatures, segmentHeaderFieldBytes } from '../../storage/layout/format.ts'
import { decodeSegmentHeader } from '../../storage/layout/segment.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FolderWatch, Happening } from './folder-watch.ts'

/**
 * What a store can be killed in, as its files tell afterwards. `rolling`: a segment is there that the log has not begun
 * to use. `snapshot`: one is being written. `deleting`: segments are out of the live set, and files of them there.
 * `copying`: a cleaner's copy is being written. `swapping`: the copy is in the live set, and sources of it there.
 */
export type OwnWork = 'rolling' | 'snapshot' | 'deleting' | 'copying' | 'swapping'

export interface Aim {
  readonly at: OwnWork
  /** Whether a few records stay among the many that go, so that segments are cleaned and not deleted. */
  readonly keepsSome: boolean
  /** Of `--cleaner-bytes-per-second-max`. */
  readonly cleanerPace: number
  /** Resolves when it is time. */
  due(data: string, watch: FolderWatch, random: SeededRandom): Promise<void>
}

const fast = 2 ** 30
/** A copy of some tens of kilobytes takes some tenths of a second. */
const slow = 131_072
/** Within which a slow copy is hit, ms. */
const copyingMsMax = 150

const isSegment = ({ folder, name }: Happening): boolean =>
  folder === 'log' && name.endsWith('.segment')

/** One for each kind of work. Log compaction will want its own here, and its marks in autopsy.ts. */
export const aims: readonly Aim[] = [
  {
    at: 'rolling',
    keepsSome: false,
    cleanerPace: fast,
    due: async (_data, watch, random) => {
      // Not always the first: there is a history to each.
      for (let left = random.integer(8); left >= 0; left--) {
        await watch.first((one) => isSegment(one) && one.what === 'made')
      }
    }
  },
  {
    at: 'snapshot',
    keepsSome: false,
    cleanerPace: fast,
    due: async (_data, watch, random) => {
      for (let left = random.integer(4); left >= 0; left--) {
        await watch.first(({ folder, name }) => folder === 'snapshots' && name.endsWith('.new'))
      }
    }
  },
  {
    at: 'deleting',
    keepsSome: false,
    cleanerPace: fast,
    due: (_data, watch) => watch.first((one) => isSegment(one) && one.what === 'gone')
  },
  {
    at: 'copying',
    keepsSome: true,
    cleanerPace: slow,
    due: async (data, watch, random) => {
      await firstCopy(data, watch)
      await setTimeout(random.integer(copyingMsMax))
    }
  },
  {
    at: 'swapping',
    keepsSome: true,
    cleanerPace: fast,
    due: async (data, watch) => {
      await firstCopy(data, watch)
      await watch.first((one) => isSegment(one) && one.what === 'gone')
    }
  }
]

function firstCopy(data: string, watch: FolderWatch): Promise<void> {
  return watch.first((one) => {
    return isSegment(one) && one.what !== 'gone' && isCopyFile(join(data, 'log', one.name))
  })
}

/** False for a file that has gone, or has no header yet. */
function isCopyFile(path: string): boolean {
  const bytes = Buffer.alloc(segmentHeaderFieldBytes)
  try {
    const file = openSync(path, 'r')
    readSync(file, bytes, 0, bytes.length, 0)
    closeSync(file)
  } catch {
    return false
  }
  const header = decodeSegmentHeader(bytes)
  return typeof header !== 'string' && (header.incompatible & incompatibleFeatures.copied) !== 0
}
