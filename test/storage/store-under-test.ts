/** The store as an engine under test: over a real folder, or over a disk that loses what was not synced. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { checkStore } from '../../storage/check.ts'
import { type Database, openLevel } from '../../storage/databases.ts'
import { realFileSystem } from '../../storage/file-system.ts'
import { type OpenOptions, openStore } from '../../storage/open-store.ts'
import type { BulkTurns, LogSink } from '../../storage/ports.ts'
import type { FlushMode, StoreSettings } from '../../storage/settings.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { gatedFileSystem, SyncGate } from '../support/gated-file-system.ts'
import { anyFate, IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type EngineUnderTest, keepPolicyOf, type OpenEngine } from './engine/world.ts'

export interface StoreVariant {
  readonly flushMode: FlushMode
  readonly settings: Partial<StoreSettings>
  /** Instead of the process's. */
  readonly turns?: BulkTurns
}

/** As small as settings allow, so that a few records roll segments, checkpoint, and leave memory. */
export const tinySettings: Partial<StoreSettings> = {
  segmentBytes: 64 * 1024,
  checkpointBytes: 16 * 1024,
  replayEntriesMax: 256,
  replayBytesMax: 64 * 1024,
  tailBytes: 64 * 1024,
  openFilesMax: 2,
  coldCacheBytes: 2 * 1024 * 1024,
  cleanerBytesPerSecondMax: 2 ** 34,
  heldTimersMax: 16,
  reserveBytes: 0
}

export const noLog: LogSink = () => {}

/** A store with LevelDB in a real folder. A crash is the process's: calls stop, what was written stays. */
export function onRealDisk(variant: StoreVariant): OpenEngine {
  return async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-store-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    let level: Database | undefined
    return await storeUnderTest(t, variant, {
      disk: () => realFileSystem,
      folder,
      openIndex: (path) => {
        level = openLevel(path)
        return level
      },
      afterCrash: async () => {
        await level?.close()
      },
      afterClose: () => {}
    })
  }
}

/** A store on a faulty disk, LevelDB in memory. A crash is a power cut, and the index may be lost or old too. */
export function onFaultyDisk(variant: StoreVariant): OpenEngine {
  return async (t) => {
    const random = seededRandom(t)
    let disk = new FaultyDisk({ random })
    disk.addFolder('/data')
    const index = new IndexCopies()
    await index.lay('lost')
    let boot = 1
    return await storeUnderTest(t, variant, {
      disk: () => disk,
      folder: '/data',
      bootId: () => `boot ${boot}`,
      openIndex: () => index.database,
      beforeReopen: async () => {
        await index.copy()
        await index.lay('kept')
      },
      afterCrash: async () => {
        disk = disk.powerCut()
        boot++
        await index.lay(anyFate(random))
      },
      afterClose: () => {
        const left = [...disk.openFiles].map(({ path }) => path)
        if (left.length > 0) throw new Error(`left open: ${left.join(', ')}`)
      }
    })
  }
}

interface Place {
  readonly disk: () => OpenOptions['fileSystem']
  readonly folder: string
  readonly bootId?: () => string
  readonly openIndex: (path: string) => Database
  readonly beforeReopen?: () => Promise<void>
  readonly afterCrash: () => Promise<void>
  readonly afterClose: () => void
}

async function storeUnderTest(
  t: Test,
  variant: StoreVariant,
  place: Place
): Promise<EngineUnderTest> {
  const clock = new FakeClock()
  const gate = new SyncGate()
  const random = seededRandom(t)
  let kill = () => {}
  const open = async (): Promise<Store> => {
    const gated = gatedFileSystem(place.disk(), gate)
    kill = gated.kill
    return await openStore({
      folder: place.folder,
      fileSystem: gated.fileSystem,
      clock,
      random,
      log: noLog,
      openIndex: place.openIndex,
      bootId: place.bootId?.() ?? 'boot',
      keepPolicyOf,
      ...variant
    })
  }
  let engine = await open()
  /** Whatever the test was about, what it leaves is whole. */
  const closeAndCheck = async (): Promise<void> => {
    const failed = engine.status().state === 'failed'
    await engine.close()
    place.afterClose()
    if (failed) return
    const { problems } = await checkStore(place.disk(), place.folder)
    if (problems.length > 0) throw new Error(`the checker says: ${JSON.stringify(problems)}`)
  }
  t.teardown(closeAndCheck)
  return {
    get engine() {
      return engine
    },
    clock,
    gate,
    flushMode: variant.flushMode,
    async reopen() {
      await closeAndCheck()
      await place.beforeReopen?.()
      engine = await open()
    },
    async crash() {
      kill()
      await place.afterCrash()
      engine = await open()
    }
  }
}
