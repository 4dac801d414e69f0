// What the store says and does when the disk fails it.

import type { Test } from 'tap'
import t from 'tap'
import { openStore } from '../../storage/open-store.ts'
import type { Store } from '../../storage/store.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { gatedFileSystem, SyncGate } from '../support/gated-file-system.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf, refusal, World } from './engine/world.ts'
import { noLog, tinySettings } from './store-under-test.ts'

interface Opened {
  readonly disk: FaultyDisk
  readonly store: Store
  readonly clock: FakeClock
  readonly world: World
  readonly queue: number
}

async function opened(t: Test, capacityBytes?: number, reserveBytes = 0): Promise<Opened> {
  const random = seededRandom(t)
  const disk = new FaultyDisk({ random, ...(capacityBytes ? { capacityBytes } : {}) })
  disk.addFolder('/data')
  const index = new IndexCopies()
  await index.lay('lost')
  const clock = new FakeClock()
  const store = await openStore({
    folder: '/data',
    fileSystem: disk,
    clock,
    random,
    log: noLog,
    openIndex: () => index.database,
    settings: { ...tinySettings, reserveBytes }
  })
  t.teardown(() => store.close().catch(() => {}))
  const world = new World(t, {
    engine: store,
    clock,
    gate: new SyncGate(),
    flushMode: 'sync',
    reopen: async () => {},
    crash: async () => {}
  })
  return { disk, store, clock, world, queue: await world.queue() }
}

for (const [call, code] of [
  ['writev', 'EIO'],
  ['datasync', 'EIO'],
  ['datasync', 'ENOSPC']
] as const) {
  t.test(`a ${call} that ends with ${code} fails its commits, and reads go on`, async (t) => {
    const { disk, store, world, queue } = await opened(t)
    await world.append(queue, batchOf(['before']))
    disk.failNext(call, code)
    const commit = () => store.commit({ appends: [appendOf(queue, batchOf(['x']))] })
    const codes = (await Promise.all([commit(), commit()].map(refusal))).map((one) => one.code)
    t.same(codes, ['io-failed', 'io-failed'])
    t.same(await world.valuesOf(queue), ['before'], 'what was durable is still read')
    t.equal(store.status().state, 'failed', 'nothing is tried again')
    t.equal((await refusal(commit())).code, 'io-failed')
    t.equal(disk.counts.get('datasync'), await countAfter(disk, commit))
  })
}

async function countAfter(disk: FaultyDisk, commit: () => Promise<unknown>) {
  await refusal(commit())
  await settled()
  return disk.counts.get('datasync')
}

t.test('async: once an fsync has failed, none that succeeds makes anything durable', async (t) => {
  const random = seededRandom(t)
  const disk = new FaultyDisk({ random })
  disk.addFolder('/data')
  const [gate, writes] = [new SyncGate(), new SyncGate()]
  const index = new IndexCopies()
  await index.lay('lost')
  const [clock, asyncDelayMsMax, asyncBytesMax] = [new FakeClock(), 50, 8 * 1024]
  const store = await openStore({
    folder: '/data',
    fileSystem: gatedFileSystem(disk, gate, writes).fileSystem,
    clock,
    random,
    log: noLog,
    openIndex: () => index.database,
    flushMode: 'async',
    settings: { ...tinySettings, asyncDelayMsMax, asyncBytesMax }
  })
  t.teardown(() => store.close().catch(() => {}))
  const topic = { id: 'ab'.repeat(16), names: { kafka: 'a', rocketmq: 'a' }, queueCount: 1 }
  const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
  const queue = topics[0]!.queues[0]!
  await store.settle()
  const append = (text: string) => store.commit({ appends: [appendOf(queue, batchOf([text]))] })
  await append('first')
  gate.hold()
  await clock.advance(asyncDelayMsMax)
  writes.hold()
  // So large that it is fsynced as soon as it is written.
  const second = refusal(append('x'.repeat(2 * asyncBytesMax)))
  await clock.advance(0)
  t.same([gate.waiting, writes.waiting], [1, 1], 'an fsync and a write are under way')
  gate.release(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
  await clock.advance(0)
  t.equal(store.status().state, 'failed')
  writes.release()
  t.equal((await second).code, 'io-failed')
  await clock.advance(10 * asyncDelayMsMax)
  const read = { queues: [{ queue, offset: 0, maxBytes: 1 }], maxBytes: 1 }
  const [seen] = await store.read({ ...read, isolation: 'uncommitted' })
  t.match(seen, { nextOffset: 0, buffers: { length: 0 } }, 'and none of it is shown')
})

t.test('below the reserve appends are refused, state is taken, and reads go on', async (t) => {
  const { disk, store, clock, world, queue } = await opened(t, 4 * 1024 * 1024, 2 * 1024 * 1024)
  const value = 'x'.repeat(20_000)
  let stored = 0
  let error: { code: string } | undefined
  while (error === undefined && stored < 300) {
    await store.commit({ appends: [appendOf(queue, batchOf([value]))] }).then(
      () => {
        stored++
      },
      (refused) => {
        error = refused
      }
    )
    await clock.advance(1000)
  }
  t.equal(error?.code, 'disk-full')
  t.equal(store.status().state, 'disk-full')
  t.ok((await disk.space('/data')).freeBytes > 1024 * 1024, 'the reserve is still there')
  const row = { family: 'setting', row: { name: 'n', value: 'v' } } as const
  await store.commit({ changes: [{ op: 'put', row }] })
  t.equal((await store.scanState('setting')).length, 1)
  t.equal((await world.recordsOf(queue)).length, stored)
})

t.test('bytes that were flipped on the way are never served', async (t) => {
  const { disk, store, world, queue } = await opened(t)
  const value = 'x'.repeat(15_000)
  for (let i = 0; i < 40; i++) await world.append(queue, batchOf([value]))
  disk.faults.readFlips = 1
  let corrupt = 0
  for (let offset = 0; offset < 40; offset++) {
    const [result] = await world.read([{ queue, offset, maxBytes: 1 }])
    if (result !== undefined && 'code' in result) {
      t.equal(result.code, 'corrupt')
      corrupt++
    } else t.ok(Buffer.concat([...(result?.buffers ?? [])]).includes(value))
  }
  t.ok(corrupt > 10, `${corrupt} reads met a flipped bit`)
  t.ok(store.stats().corruptReads >= corrupt)
  disk.faults.readFlips = 0
  t.equal((await world.recordsOf(queue)).length, 40, 'the stored ones are whole')
  disk.faults.readFails = 1
  const [failed] = await world.read([{ queue, offset: 0, maxBytes: 1 }])
  t.match(failed, { code: 'io-failed' })
})

t.test('a batch whose base offset rotted is not served', async (t) => {
  const { disk, store, world, queue } = await opened(t)
  const value = (i: number) => `${i}:${'x'.repeat(15_000)}`
  for (let i = 0; i < 20; i++) await world.append(queue, batchOf([value(i)]))
  const path = `/data/log/${disk.namesAt('/data/log')[0]}`
  const unpatched = 21
  const inLog = disk.peek(path).indexOf(batchOf([value(2)]).bytes.subarray(unpatched))
  const batchAt = inLog - unpatched
  t.ok(inLog > 0)
  for (const byte of [0, 1, 4, 7]) {
    disk.rot(path, batchAt + byte, 1)
    for (const offset of [2, 3]) {
      const [result] = await world.read([{ queue, offset, maxBytes: 100_000 }])
      if (offset === 3) t.notMatch(result, { code: 'corrupt' }, 'the next one is read')
      else t.match(result, { code: 'corrupt' }, `byte ${byte} of its head`)
    }
    disk.rot(path, batchAt + byte, 1)
  }
  t.ok(store.stats().corruptReads >= 4)
  t.equal((await world.recordsOf(queue)).length, 20)
})
