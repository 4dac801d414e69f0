/**
 * What LevelDB can tell of its own damage while nobody has it open: whether it can be read, every value's checksum, the
 * sums, over rows and over keys, and whether queues' indexes have gaps. What an open reads of it, an open finds out too;
 * keys and indexes it does not read.
 */

import type { CheckProblem } from './check-report.ts'
import { type Gap, Stretches } from './check-stretches.ts'
import { CheckedDb, IndexDamagedError } from './checked-db.ts'
import type { TopicId } from './contract.ts'
import { levelAt } from './databases.ts'
import { OpenError } from './errors.ts'
import {
  indexSums,
  rowPrefix,
  summedRange,
  type ViewMark,
  viewKey,
  viewVersion
} from './index-db.ts'
import { keysRange, keysSumKey, keysSumPrefix, rangeOf } from './index-keys.ts'
import { readOpenMark } from './open-mark.ts'
import type { FileSystem } from './ports.ts'
import { decodeKey, decodeRow } from './state/codec.ts'
import type { StoredRow } from './state/stored-rows.ts'
import { foldersOf } from './store-folder.ts'
import { hasDatabase } from './store-lock.ts'

export interface IndexReport {
  readonly problems: readonly CheckProblem[]
  /** Why it was not looked at: a file system that may not be written does not let LevelDB in. */
  readonly unread?: string
}

/** Of a view that the next open makes anew in any case nothing is said. Rejects with OpenError `locked`. */
export async function checkIndex(fileSystem: FileSystem, folder: string): Promise<IndexReport> {
  const { index } = foldersOf(folder)
  if (!(await hasDatabase(fileSystem, index))) return { problems: [] }
  try {
    const isClosed = (await readOpenMark(fileSystem, folder)) === undefined
    const db = await CheckedDb.look(levelAt(index), indexSums)
    try {
      return { problems: await problemsOf(db, isClosed) }
    } finally {
      await db.close()
    }
  } catch (error) {
    if (error instanceof IndexDamagedError) return { problems: [problemOf(error)] }
    if (error instanceof OpenError && error.code === 'io-failed')
      return { problems: [], unread: error.message }
    throw error
  }
}

async function problemsOf(db: CheckedDb, isClosed: boolean): Promise<CheckProblem[]> {
  const problems: CheckProblem[] = []
  const look = async (look: () => Promise<void>, topic?: string): Promise<void> => {
    try {
      await look()
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error
      problems.push(problemOf(error, topic))
    }
  }
  const mark = await db.get(viewKey)
  if (mark === undefined || (JSON.parse(`${mark}`) as ViewMark).version !== viewVersion) return []
  const withKeys: TopicId[] = []
  const names = new Map<TopicId, string>()
  const stretches = new Stretches()
  await look(async () => {
    for await (const some of db.summed(summedRange))
      for (const [key, value] of some) {
        const entry = key[0] === rowPrefix[0] ? rowIn(key, value) : undefined
        if (entry?.family === 'topic') names.set(entry.row.id, entry.row.names.kafka)
        if (entry !== undefined) stretches.note(entry)
        else if (key[0] === keysSumPrefix[0]) withKeys.push(key.toString('hex', 1))
      }
  })
  for (const id of withKeys)
    await look(() => drained(db.part(keysRange(id), keysSumKey(id))), names.get(id) ?? id)
  await look(() => drained(db.entriesTogether(rangeOf('c'))))
  await look(async () => {
    const gaps = await stretches.gaps(db.entriesTogether(rangeOf('i')), isClosed)
    problems.push(...gaps.map((gap) => problemOfGap(gap, names)))
  })
  return problems
}

/** Of a family that is wanted here. */
function rowIn(key: Buffer, value: Buffer): StoredRow | undefined {
  const { family } = decodeKey(key.subarray(1))
  return wantedFamilies.has(family) ? decodeRow(family, value) : undefined
}

const wantedFamilies: ReadonlySet<string> = new Set(['topic', 'queue', 'log-start'])

function problemOfGap({ of, first, last }: Gap, names: ReadonlyMap<TopicId, string>): CheckProblem {
  return {
    where: 'index',
    file: 'index',
    what: 'it does not know where they are; isthmus reindex makes it anew',
    topic: names.get(of.topicId) ?? of.topicId,
    queue: of.index,
    offsets: { first, last }
  }
}

async function drained(entries: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of entries);
}

function problemOf({ why }: IndexDamagedError, topic?: string): CheckProblem {
  const what = `${why}; isthmus reindex makes it anew`
  const place = { where: 'index', file: 'index' } as const
  return topic === undefined
    ? { ...place, what }
    : { ...place, what: `keys of records: ${what}`, topic }
}
