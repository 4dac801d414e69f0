// A real LevelDB whose files were damaged while nobody had it open: every start goes on rightly or makes it anew,
// and what is noticed only later stops the store, whose next start makes it anew. Nothing acknowledged is lost,
// nothing wrong served.

import { cp, mkdir, open, readdir, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { checkStore } from '../../storage/check.ts'
import { checkIndex } from '../../storage/check-index.ts'
import { realFileSystem } from '../../storage/file-system.ts'
import { deathsMax } from '../../storage/index-lives.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import {
  appendsPerLife,
  everything,
  live,
  lives,
  opened,
  opensIt,
  type Tally
} from './damaged-index.ts'

/** Damages; RUNS in the environment asks for more. */
const runs = Number(process.env.RUNS ?? 27)
t.setTimeout(120_000 + runs * 5_000)

async function pickFile(random: SeededRandom, index: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(index)).filter((name) => pattern.test(name)).sort()
  return `${index}/${random.pick(names)}`
}

async function overwrite(
  path: string,
  at: number,
  change: (bytes: Buffer) => void,
  length = 1
): Promise<void> {
  const file = await open(path, 'r+')
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, at)
  change(bytes)
  await file.write(bytes, 0, length, at)
  await file.close()
}

const anyFile = /^(\d+\.(ldb|log)|MANIFEST-\d+|CURRENT)$/
const dataFile = /^\d+\.(ldb|log)$/

interface Base {
  readonly folder: string
  /** Copies of its LevelDB, the oldest first; and another store's. */
  readonly older: readonly string[]
  readonly foreign: string
}

type Damage = (random: SeededRandom, index: string, base: Base) => Promise<string>

const damages: Record<string, Damage> = {
  'a flipped bit': async (random, index) => {
    const path = await pickFile(random, index, random.chance(0.8) ? dataFile : anyFile)
    const at = random.integer(Math.max(1, (await stat(path)).size))
    const bit = random.integer(8)
    await overwrite(path, at, (bytes) => {
      bytes[0]! ^= 1 << bit
    })
    return `${path} bit ${bit} of byte ${at}`
  },
  'many flipped bits': async (random, index) => {
    const path = await pickFile(random, index, dataFile)
    const { size } = await stat(path)
    for (let i = 0; i < 20; i++)
      await overwrite(path, random.integer(Math.max(1, size)), (bytes) => {
        bytes[0]! ^= 1 << random.integer(8)
      })
    return path
  },
  'a lost sector': async (random, index) => {
    const path = await pickFile(random, index, dataFile)
    const { size } = await stat(path)
    const at = Math.floor(random.integer(Math.max(1, size)) / 512) * 512
    await overwrite(path, at, (bytes) => bytes.fill(0), Math.min(512, Math.max(1, size - at)))
    return `${path} at ${at}`
  },
  'a truncated file': async (random, index) => {
    const path = await pickFile(random, index, anyFile)
    const length = random.integer(Math.max(1, (await stat(path)).size))
    await truncate(path, length)
    return `${path} to ${length}`
  },
  'a missing file': async (random, index) => {
    const path = await pickFile(random, index, anyFile)
    await unlink(path)
    return path
  },
  'an older copy': async (random, index, base) => {
    const older = random.pick(base.older)
    await rm(index, { recursive: true })
    await cp(older, index, { recursive: true })
    return older
  },
  "another store's": async (_random, index, base) => {
    await rm(index, { recursive: true })
    await cp(base.foreign, index, { recursive: true })
    return ''
  },
  'an empty folder': async (_random, index) => {
    await rm(index, { recursive: true })
    await mkdir(index)
    return ''
  },
  'the newest of an older file': async (random, index, base) => {
    // One file of an older copy among those of now.
    const older = random.pick(base.older)
    const path = await pickFile(random, older, anyFile)
    await cp(path, `${index}/${path.slice(older.length + 1)}`)
    return path
  }
}

async function makeBase(t: Test): Promise<Base> {
  const root = temporaryFolder(t)
  const folder = `${root}/base`
  const older: string[] = []
  for (let life = 0; life < lives; life++) {
    const store = await opened(folder)
    await live(t, store, life, appendsPerLife)
    await store.close()
    older.push(`${root}/older-${life}`)
    await cp(`${folder}/index`, older[life]!, { recursive: true })
  }
  const other = await opened(`${root}/other`)
  await live(t, other, 0, appendsPerLife)
  await other.close()
  return { folder, older: older.slice(0, -1), foreign: `${root}/other/index` }
}

/** Starts that LevelDB may end: some soon after its opening, and then some that read all of it. */
const endedMax = 2 * deathsMax

/** LevelDB ends a process in which it meets some damages: starts that follow make it anew. */
async function survives(folder: string, wanted: string): Promise<Tally & { ended: number }> {
  let ended = 0
  let outcome = await opensIt(folder, wanted)
  while (ended < endedMax && outcome.signal === 'SIGABRT' && /leveldb/.test(outcome.said)) {
    ended++
    outcome = await opensIt(folder, wanted)
  }
  const { told, signal, said } = outcome
  if (told === undefined) throw new Error(`the process ended with ${signal}: ${said}`)
  if ('error' in told) throw new Error(told.error)
  return { ...told.tally, ended }
}

await t.test(`${runs} damages to LevelDB's files`, async (t) => {
  t.comment(`SEED=${seedOfRun} RUNS=${runs}`)
  const base = await makeBase(t)
  const sound = await opened(base.folder)
  const wanted = `${base.folder}-wanted`
  await writeFile(wanted, await everything(t, sound))
  t.equal(sound.recovery.rebuilt, undefined)
  await sound.close()
  const total = { goneOn: 0, rebuilt: 0, late: 0, ended: 0 }
  const names = Object.keys(damages)
  for (let run = 0; run < runs; run++) {
    const random = new SeededRandom(seedOfRun + run)
    const name = names[(seedOfRun + run) % names.length] as string
    const folder = `${base.folder}-${run}`
    await cp(base.folder, folder, { recursive: true })
    const what = await damages[name]!(random, `${folder}/index`, base)
    try {
      const tally = await survives(folder, wanted)
      for (const key of ['goneOn', 'rebuilt', 'late', 'ended'] as const) total[key] += tally[key]
      for (const check of [checkStore, checkIndex]) {
        const { problems } = await check(realFileSystem, folder)
        if (problems.length > 0) throw new Error(JSON.stringify(problems[0]))
      }
    } catch (error) {
      t.fail(`SEED=${seedOfRun + run} RUNS=1: ${name} (${what}): ${(error as Error).stack}`)
    }
    await rm(folder, { recursive: true })
  }
  t.comment(JSON.stringify(total))
  t.ok(total.rebuilt > 0, 'some were made anew')
})
