/**
 * `isthmus check`: reads a whole store that is not open (else it says so) and tells what contradicts itself. Changes
 * nothing of it.
 */
import {
  type CheckProblem,
  type CheckReport,
  checkIndex,
  checkStore,
  type IndexReport,
  realFileSystem,
  refuseOpenStore
} from '../../storage/index.ts'
import { loadConfig } from '../config-sources.ts'
import { exitCodes } from '../exit-codes.ts'

/**
 * One line a problem on standard output, and a last one with the totals.
 * @returns the exit code: failed when there is a problem
 * @throws UsageError, and OpenError for a folder that is in use, no store, or of a newer version
 */
export async function check(options: Readonly<Record<string, unknown>>): Promise<number> {
  const { config } = await loadConfig(options, process.env)
  await refuseOpenStore(realFileSystem, config.data)
  const report = await checkStore(realFileSystem, config.data)
  const index = await checkIndex(realFileSystem, config.data)
  const problems = [...report.problems, ...index.problems]
  const notes = [...notesOf(report), ...indexNotes(index)]
  const lines = [...problems.map(problemLine), ...notes, totalsLine(report, problems)]
  process.stdout.write(`${lines.join('\n')}\n`)
  return problems.length === 0 ? exitCodes.done : exitCodes.failed
}

function problemLine({ what, segment, position, topic, queue, offsets, file }: CheckProblem) {
  const place = [
    ...(segment === undefined ? [] : [`segment ${segment}`]),
    ...(position === undefined ? [] : [`position ${position}`]),
    ...(file === undefined ? [] : [file]),
    ...(topic === undefined ? [] : [`topic ${topic}`]),
    ...(queue === undefined ? [] : [`queue ${queue}`]),
    ...(offsets === undefined ? [] : [`offsets ${offsets.first} to ${offsets.last}`])
  ]
  return place.length === 0 ? `problem: ${what}` : `problem: ${place.join(', ')}: ${what}`
}

/** What is no problem, but good to know. */
function notesOf({ problemsLeftOut, torn, strays }: CheckReport): string[] {
  return [
    ...(problemsLeftOut === 0 ? [] : [`${problemsLeftOut} more problems are not listed`]),
    ...(torn === undefined
      ? []
      : [
          `the next start cuts a torn tail: segment ${torn.segment}, position ${torn.position}, ` +
            `${torn.bytes} bytes: ${torn.why}`
        ]),
    ...strays.map((name) => `${name} is no part of the log; the next start removes it`)
  ]
}

function indexNotes({ unread }: IndexReport): string[] {
  return unread === undefined ? [] : [`LevelDB was not looked at: ${unread}`]
}

function totalsLine(
  { totals, problemsLeftOut }: CheckReport,
  problems: readonly CheckProblem[]
): string {
  const { segments, groups, batches, records, stateChanges, bytes, snapshots } = totals
  return (
    `${problems.length + problemsLeftOut} problems in ${segments} segments, ${groups} flush ` +
    `groups, ${batches} batches, ${records} records, ${stateChanges} state changes, ` +
    `${bytes} bytes, ${snapshots} snapshots`
  )
}
