/**
 * Lives of a store with a real LevelDB. As a program, given a folder and a file with what must be found there, it opens
 * the damaged store in it until it works, and tells how that went: LevelDB may end a process that it is in.
 */
import { fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { realFileSystem } from '../../storage/file-system.ts'
import { type OpenOptions, openStore } from '../../storage/open-store.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { SyncGate } from '../support/gated-file-system.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { batchOf, committedOffset, keepPolicyOf, World } from './engine/world.ts'
import { tinySettings } from './store-under-test.ts'

const queueCount = 3
export const lives = 4
export const appendsPerLife = 60
const appendsAfterDamage = 9
/** Of a damaged store, until it has worked and is found as it was left. */
const opensMax = 5

export function optionsOf(folder: string): OpenOptions {
  return {
    folder,
    fileSystem: realFileSystem,
    clock: new FakeClock(),
    random: new SeededRandom(seedOfRun),
    log: () => {},
    keepPolicyOf,
    bootId: 'boot',
    // Checkpoints of many small blocks.
    settings: { ...tinySettings, checkpointRunsMax: 1000 }
  }
}

export function opened(folder: string): Promise<Store> {
  return openStore(optionsOf(folder))
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
export async function live(t: Test, store: Store, life: number, appends: number): Promise<void> {
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
export async function everything(t: Test, store: Store): Promise<string> {
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

export interface Tally {
  goneOn: number
  rebuilt: number
  /** Noticed only while it was being read or written. */
  late: number
}

/** Opens a damaged store, reads all of it, works with it, and opens it once more; a failed one is opened again. */
async function survives(t: Test, folder: string, wanted: string): Promise<Tally> {
  const tally = { goneOn: 0, rebuilt: 0, late: 0 }
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
      if (worked) return tally
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

/** What the program tells its parent. */
export type Told = { readonly tally: Tally } | { readonly error: string }

interface Outcome {
  readonly told: Told | undefined
  readonly signal: NodeJS.Signals | null
  readonly said: string
}

/** Opens the damaged store in a process of its own. */
export function opensIt(folder: string, wanted: string): Promise<Outcome> {
  const program = fileURLToPath(import.meta.url)
  const child = fork(program, [folder, wanted], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let told: Told | undefined
  let said = ''
  child.on('message', (message) => {
    // The test's library tells its own things.
    const isOurs = 'tally' in (message as object) || 'error' in (message as object)
    if (isOurs) told = message as Told
  })
  child.stderr?.on('data', (text) => {
    said += text
  })
  return new Promise((resolve) => {
    child.on('close', (_, signal) => resolve({ told, signal, said }))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = '', wanted = ''] = process.argv.slice(2)
  const told: Told = await survives(t, folder, await readFile(wanted, 'utf8')).then(
    (tally) => ({ tally }),
    (error: Error) => ({ error: `${error.stack}` })
  )
  process.send?.(told)
  process.disconnect?.()
}
