/** Damage at rest to a store on a faulty disk, and what a reindex makes of it. */
import type { OpenOptions } from '../../storage/open-store.ts'
import { type ReindexOptions, type ReindexReport, reindexStore } from '../../storage/reindex.ts'
import { IndexCopies } from '../support/index-copies.ts'
import type { BackupLife } from './backup-life.ts'
import { keepPolicyOf } from './engine/world.ts'
import { noLog } from './store-under-test.ts'

export async function bytesOf(life: BackupLife, path: string): Promise<Buffer> {
  const file = await life.disk.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0, bytes.length, 0)
  await file.close()
  return bytes
}

/** Flips a bit at rest. */
export async function flip(
  life: BackupLife,
  path: string,
  position: number,
  bit = 0
): Promise<void> {
  const bytes = await bytesOf(life, path)
  const byte = Buffer.from([(bytes[position] ?? 0) ^ (1 << bit)])
  const file = await life.disk.open(path, 'write')
  await file.writev([byte], position)
  await file.sync()
  await file.close()
}

/** LevelDB is lost, unless it is given. `what`: whether to skip what is damaged, or more. */
export async function reindex(
  life: BackupLife,
  what: boolean | Pick<ReindexOptions, 'skipDamaged' | 'fromSegments' | 'settingsOf'>,
  index?: IndexCopies
): Promise<ReindexReport> {
  const its = index ?? new IndexCopies()
  await its.lay(index === undefined ? 'lost' : 'kept')
  const options: OpenOptions = {
    folder: '/data',
    fileSystem: life.disk,
    clock: life.clock,
    random: life.random.fork(),
    log: noLog,
    openIndex: () => its.database,
    bootId: 'boot',
    keepPolicyOf,
    settings: life.settings
  }
  const asked = typeof what === 'boolean' ? { skipDamaged: what } : what
  return await reindexStore({ ...options, ...asked })
}

/** In one of the files: any byte, or one of what holds the log together. */
export async function flipSomewhere(life: BackupLife, paths: readonly string[]): Promise<string> {
  const { random } = life
  const path = random.pick(paths)
  const bytes = await bytesOf(life, path)
  const from = random.integer(bytes.length)
  const header = bytes.indexOf('ISGR', from)
  const where = random.pick(['any', 'group', 'head'] as const)
  const position =
    where === 'any' || header < 0
      ? from
      : where === 'group'
        ? header + random.integer(76)
        : Math.min(bytes.length - 1, header + 76 + random.integer(300))
  await flip(life, path, position, random.integer(8))
  return `${path} at ${position}`
}

/** What was given up once is not found again. Throws where it is. */
export function refuseMore(again: ReindexReport): void {
  const { damages, givenUp, salvaged } = again
  if (damages.length > 0 || givenUp?.segments.length !== 0 || salvaged !== undefined)
    throw new Error(`it is found again: ${JSON.stringify(again)}`)
}
