/** A closed store on a faulty disk, which is damaged and repaired. */
import type { Test } from 'tap'
import type { QueueUid } from '../../storage/contract.ts'
import type { ReindexReport } from '../../storage/reindex.ts'
import { append, type BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'
import { reindex } from './damage.ts'

/** Records of each queue. */
export const each = 40

/** A closed store of two queues with forty records each, in some seven segments. */
export async function closedStore(life: BackupLife): Promise<readonly QueueUid[]> {
  const { store } = await life.open('/data')
  const queues = await makeTopic(store)
  for (let i = 0; i < each; i++) for (const queue of queues) await append(store, queue, i, 1)
  await store.close()
  return queues
}

export const segment = (id: number): string => `/data/log/${`${id}`.padStart(16, '0')}.segment`

/** Each queue has every record but those that were named as given up, and these are not many. */
export async function judge(
  life: BackupLife,
  queues: readonly QueueUid[],
  { givenUp }: ReindexReport,
  lostMax: number
): Promise<number> {
  const problems = await life.problems('/data')
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const { store } = await life.open('/data')
  let count = 0
  for (const [index, queue] of queues.entries()) {
    const lost = new Set<number>()
    for (const one of givenUp?.lost ?? [])
      if (one.queue === index)
        for (let at = one.firstOffset; at <= one.lastOffset; at++) lost.add(at)
    count += lost.size
    const expected = upTo(each).filter((offset) => !lost.has(offset))
    const there = await offsetsOf(store, queue)
    if (JSON.stringify(there) !== JSON.stringify(expected))
      throw new Error(`queue ${index} has ${there} without ${[...lost]}`)
    // What comes next gets new offsets.
    await append(store, queue, each, 1)
  }
  await store.close()
  if (count > lostMax) throw new Error(`${count} records were given up`)
  const after = await life.problems('/data')
  if (after.length > 0) throw new Error(after.join('\n'))
  return count
}

export async function staysQuiet(t: Test, life: BackupLife): Promise<void> {
  const again = await reindex(life, true)
  t.same(again.damages, [])
  t.same(again.givenUp, { segments: [], missing: [], lost: [] }, 'nothing is left to be given up')
  t.equal(again.epochsRaised, undefined)
}
