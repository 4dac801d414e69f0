// A real LevelDB whose files were damaged while nobody had it open: every start goes on rightly or makes it anew,
// and what is noticed only later stops the store, whose next start makes it anew. Nothing acknowledged is lost,
// nothing wrong served.

import { cp, mkdir, open, readdir, rm, stat, truncate, unlink } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { checkStore } from '../../storage/check.ts'
import { realFileSystem } from '../../storage/file-system.ts'
import { openStore } from '../../storage/open-store.ts'
import type { Store } from '../../storage/store.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { SyncGate } from '../support/gated-file-system.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { batchOf, committedOffset, keepPolicyOf, World } from './engine/world.ts'
import { tinySettings } from './store-under-test.ts'

/** Damages; RUNS in the environment asks for more. */
const runs = Number(process.env.RUNS ?? 27)
const queueCount = 3
const lives = 4
const appendsPerLife = 60
const appendsAfterDamage = 9
/** Of a damaged store, until it has worked and is found as it was left. */
const opensMax = 5

t.setTimeout(120_000 + runs * 5_000)

async function opened(folder: string): Promise<Store> {
  return openStore({
    folder,
    fileSystem: realFileSystem,
    clock: new FakeClock(),
    random: new SeededRandom(seedOfRun),
    log: () => {},
    keepPolicyOf,
    bootId: 'boot',
    // Checkpoints of many small blocks.
    settings: { ...tinySettings, checkpointRunsMax: 1000 }
  })
}

function worldOf(t: Test, store: Store): World {
  return new World(t, {
    engine: store,
    clock: new FakeClock(),
    gate: new SyncGate(),
    flushMode: 'sync',
    reopen: async () => {},
    crash: async () => {}
  })
}

/** One life of a store: records, offsets that move, timers that come and go, log starts. */
async function live(t: Test, store: Store, life: number, appends: number): Promise<void> {
  const world = worldOf(t, store)
  const known = (await store.topics())[0]
  const topic = known ?? (await world.topic('t', queueCount))
  for (let i = 0; i < appends; i++) {
    const queue = topic.queues[i % queueCount] as number
    const offset = await world.append(queue, batchOf([`${life}.${i}`.padEnd(1500, '.')]))
    const row = committedOffset(`g${i % 7}`, topic.id, offset)
    const timer = {
      queue,
      offset,
      dueMs: 1e9 + i,
      action: 'copy' as const,
      targetTopicId: topic.id,
      targetQueue: 0,
      count: 0,
      detail: {}
    }
    await world.commit({
      changes: [
        { op: 'put', row: { family: 'committed-offset', row } },
        { op: 'put', row: { family: 'timer', row: timer } }
      ]
    })
  }
  const [first] = topic.queues as [number]
  await world.commit({ changes: [{ op: 'move-log-start', queue: first, offset: life * 4 }] })
}

/** All that can be read of a store, as one text. */
async function everything(t: Test, store: Store): Promise<string> {
  const world = worldOf(t, store)
  const parts: unknown[] = []
  for (const topic of await store.topics()) {
    parts.push(topic)
    for (const queue of topic.queues) {
      const ends = await store.ends(queue)
      parts.push({ ...ends, leaderEpoch: 0 }, await store.latestByTimestamp(queue))
      parts.push(await world.valuesOf(queue, ends.logStartOffset))
    }
  }
  const timers = await store.scanState('timer')
  parts.push(await store.scanState('committed-offset'))
  parts.push([...timers].sort((a, b) => a.queue - b.queue || a.offset - b.offset))
  // What was raised after damage is no part of it.
  return JSON.stringify(parts).replace(/"leaderEpoch":\d+/g, '')
}

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

interface Tally {
  goneOn: number
  rebuilt: number
  /** Noticed only while it was being read or written. */
  late: number
}

/** Opens a damaged store, reads all of it, works with it, and opens it once more; a failed one is opened again. */
async function survives(t: Test, folder: string, wanted: string, tally: Tally): Promise<void> {
  let wantedNow: string | undefined = wanted
  let worked = false
  let mustRebuild = false
  for (let opens = 0; opens < opensMax; opens++) {
    const store = await opened(folder)
    try {
      const { rebuilt } = store.recovery
      if (rebuilt === undefined) tally.goneOn++
      else tally.rebuilt++
      if (mustRebuild && rebuilt === undefined) throw new Error('it was not made anew')
      mustRebuild = false
      const found = await everything(t, store)
      // What was acknowledged before it failed in the middle of its work counts too.
      if (wantedNow !== undefined && found !== wantedNow)
        throw new Error('something else is served')
      if (worked) return
      wantedNow = undefined
      await live(t, store, lives, appendsAfterDamage)
      await store.enforceRetention()
      wantedNow = await everything(t, store)
      worked = true
    } catch (error) {
      if (store.status().state !== 'failed') throw error
      tally.late++
      mustRebuild = true
    } finally {
      await store.close()
    }
  }
  throw new Error('it does not come to rest')
}

await t.test(`${runs} damages to LevelDB's files`, async (t) => {
  t.comment(`SEED=${seedOfRun} RUNS=${runs}`)
  const base = await makeBase(t)
  const sound = await opened(base.folder)
  const wanted = await everything(t, sound)
  t.equal(sound.recovery.rebuilt, undefined)
  await sound.close()
  const tally = { goneOn: 0, rebuilt: 0, late: 0 }
  const names = Object.keys(damages)
  for (let run = 0; run < runs; run++) {
    const random = new SeededRandom(seedOfRun + run)
    const name = names[run % names.length] as string
    const folder = `${base.folder}-${run}`
    await cp(base.folder, folder, { recursive: true })
    const what = await damages[name]!(random, `${folder}/index`, base)
    try {
      await survives(t, folder, wanted, tally)
      const { problems } = await checkStore(realFileSystem, folder)
      if (problems.length > 0) throw new Error(JSON.stringify(problems[0]))
    } catch (error) {
      t.fail(`SEED=${seedOfRun + run} RUNS=1: ${name} (${what}): ${(error as Error).stack}`)
    }
    await rm(folder, { recursive: true })
  }
  t.comment(JSON.stringify(tally))
  t.ok(tally.rebuilt > 0, 'some were made anew')
})
