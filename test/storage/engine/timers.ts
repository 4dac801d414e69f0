/** Timers: rows keyed by the place of the record that waits, given back in order of due time, settled once. */
import type { Test } from 'tap'
import type { Change, CommitResult, PackedRecord, QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { stateKeys, type TimerRow } from '../../../storage/state/rows.ts'
import { contractTest, type OpenEngine, type World } from './world.ts'

const target = 'ab'.repeat(16)

/** A record of null key and one byte, by hand. */
const waiting: PackedRecord = {
  timestamp: 1000,
  encoded: Buffer.of(1, 2, 120, 0),
  isCompressed: false,
  keys: []
}

function timerRow(queue: QueueUid, offset: number, dueMs: number): TimerRow {
  return {
    queue,
    offset,
    dueMs,
    action: 'copy',
    targetTopicId: target,
    targetQueue: 3,
    count: 0,
    detail: { group: 'g' }
  }
}

/** A record that waits, and its timer. */
function add(world: World, queue: QueueUid, dueMs: number): Promise<CommitResult> {
  return world.engine.commit({
    appends: [{ queue, records: [waiting], origin: 'rocketmq' }],
    changes: [
      {
        op: 'put',
        row: ({ appends }) => ({
          family: 'timer',
          row: timerRow(queue, appends[0]?.baseOffset ?? -1, dueMs)
        }),
        bytesMax: 1024
      }
    ]
  })
}

function settle(world: World, queue: QueueUid, offset: number, to: QueueUid): Promise<boolean> {
  const key = stateKeys.timer(queue, offset)
  return unlessSettled(
    world.engine.commit({
      appends: [
        { queue: to, records: [waiting], origin: 'rocketmq', resolves: [{ queue, offset }] }
      ],
      changes: [{ op: 'delete', key }],
      conditions: [{ is: 'present', key }]
    })
  )
}

function again(world: World, row: TimerRow): Promise<boolean> {
  const change: Change = { op: 'put', row: { family: 'timer', row } }
  const key = stateKeys.timer(row.queue, row.offset)
  return unlessSettled(
    world.engine.commit({ changes: [change], conditions: [{ is: 'present', key }] })
  )
}

async function unlessSettled(commit: Promise<CommitResult>): Promise<boolean> {
  try {
    await commit
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'condition-failed') return false
    throw error
  }
}

async function due(world: World, queue: QueueUid, throughMs = 1e15, countMax = 1000) {
  const rows = await world.engine.dueTimers({ queue, throughMs, countMax })
  return rows.map(({ offset, dueMs }) => [dueMs, offset])
}

export function timerTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'timers come in order of due time and are all there after restarts',
    async (t, world) => {
      const queue = await world.queue('rmq.sys.a')
      const other = await world.queue('rmq.sys.b')
      const dues = [500, 100, 300, 100, 900]
      await Promise.all([...dues.map((dueMs) => add(world, queue, dueMs)), add(world, other, 7)])
      const inOrder = [
        [100, 1],
        [100, 3],
        [300, 2],
        [500, 0],
        [900, 4]
      ]
      for (const restart of [undefined, 'reopen', 'crash'] as const) {
        await world.engine.settle()
        if (restart !== undefined) await world.under[restart]()
        t.same(await due(world, queue), inOrder)
        t.same(await due(world, queue, 300), inOrder.slice(0, 3))
        t.same(await due(world, queue, 1000, 2), inOrder.slice(0, 2))
        t.same(await due(world, queue, 99), [])
        t.same(await due(world, other), [[7, 0]])
        t.same(await world.engine.timersOf(queue), { pending: 5, nextDueMs: 100 })
        const found = await world.engine.readState(stateKeys.timer(queue, 2))
        t.same(found?.row, timerRow(queue, 2, 300))
        t.equal((await world.engine.scanState('timer')).length, 6)
        t.equal((await world.engine.scanState('timer', `${other}`)).length, 1)
      }
      t.same(await world.engine.timersOf(99), { pending: 0, nextDueMs: undefined })
    }
  )

  contractTest(
    t,
    open,
    'of several that settle a timer at once one wins, and its copy alone is there',
    async (t, world) => {
      const queue = await world.queue('rmq.sys.a')
      const to = await world.queue('to')
      await add(world, queue, 5)
      await add(world, queue, 6)
      const tries = await Promise.all(
        [0, 0, 1, 0].map((offset) => settle(world, queue, offset, to))
      )
      t.same(tries, [true, false, true, false])
      await world.engine.settle()
      for (const restart of [undefined, 'reopen', 'crash'] as const) {
        if (restart !== undefined) await world.under[restart]()
        t.equal(await settle(world, queue, 0, to), false)
        t.equal((await world.engine.ends(to)).highWatermark, 2)
        t.same(await due(world, queue), [])
        t.same(await world.engine.timersOf(queue), { pending: 0, nextDueMs: undefined })
        t.equal(await world.engine.readState(stateKeys.timer(queue, 0)), undefined)
      }
    }
  )

  contractTest(
    t,
    open,
    'records that wait apart from each other are stored in small pieces, and read like others',
    async (t, world) => {
      const queue = await world.queue('rmq.sys.a')
      const value = Buffer.alloc(1000, 'v')
      const encoded = Buffer.concat([Buffer.of(1, 0xd0, 0x0f), value, Buffer.of(0)])
      const record = { timestamp: 1, encoded, isCompressed: false, keys: [] }
      const append = {
        queue,
        records: Array(20).fill(record),
        origin: 'rocketmq',
        apart: true
      } as const
      await world.commit({ appends: [append] })
      t.equal((await world.valuesOf(queue)).length, 20)
      for (const offset of [0, 7, 19]) {
        const data = await world.readOne({ queue, offset, maxBytes: 1 })
        t.ok(data.bytes > 1000 && data.bytes < 5000, `${data.bytes} bytes for one of them`)
      }
    }
  )

  contractTest(t, open, 'a timer put again is due at its new time only', async (t, world) => {
    const queue = await world.queue('rmq.sys.a')
    for (const dueMs of [10, 20, 30]) await add(world, queue, dueMs)
    t.equal(await again(world, { ...timerRow(queue, 0, 25), count: 1 }), true)
    await world.engine.settle()
    for (const restart of [undefined, 'reopen', 'crash'] as const) {
      if (restart !== undefined) await world.under[restart]()
      t.same(await due(world, queue), [
        [20, 1],
        [25, 0],
        [30, 2]
      ])
      t.equal((await world.engine.readState(stateKeys.timer(queue, 0)))?.row.count, 1)
    }
    t.equal(await settle(world, queue, 0, queue), true)
    t.equal(await again(world, timerRow(queue, 0, 1)), false, 'a settled one does not come back')
  })

  contractTest(
    t,
    open,
    'a version that was read holds until the timer is written, over a checkpoint too',
    async (t, world) => {
      const queue = await world.queue('rmq.sys.a')
      await add(world, queue, 10)
      await world.under.reopen()
      const key = stateKeys.timer(queue, 0)
      const version = (await world.engine.readState(key, { settled: true }))?.version ?? -1
      const row = { ...timerRow(queue, 0, 11), count: 1 }
      const put = { op: 'put', row: { family: 'timer', row } } as const
      const conditions = [{ is: 'version', key, version }] as const
      await world.commit({ changes: [put], conditions })
      await t.rejects(world.engine.commit({ changes: [put], conditions }), {
        code: 'condition-failed'
      })
    }
  )

  contractTest(
    t,
    open,
    'a thousand timers, added, put again and settled over restarts: none is lost, none comes twice',
    async (t, world) => {
      const queue = await world.queue('rmq.sys.a')
      const to = await world.queue('to')
      const model = new Map<number, number>()
      let next = 0
      for (let round = 0; round < 12; round++) {
        const dues = Array.from({ length: 100 }, () => world.random.integer(5000))
        await Promise.all(dues.map((dueMs) => add(world, queue, dueMs)))
        for (const dueMs of dues) model.set(next++, dueMs)
        const picked = [...model.keys()].filter(() => world.random.integer(3) === 0)
        await Promise.all(
          picked.map(async (offset) => {
            if (world.random.integer(3) > 0) {
              t.equal(await settle(world, queue, offset, to), true)
              model.delete(offset)
            } else {
              const dueMs = world.random.integer(5000)
              t.equal(await again(world, timerRow(queue, offset, dueMs)), true)
              model.set(offset, dueMs)
            }
          })
        )
        await world.engine.settle()
        if (round % 4 === 2) await world.under.crash()
        if (round % 4 === 3) await world.under.reopen()
        const wanted = [...model].map(([offset, dueMs]) => [dueMs, offset] as const)
        wanted.sort((a, b) => a[0] - b[0] || a[1] - b[1])
        t.same(await due(world, queue), wanted.slice(0, 1000))
        t.equal((await world.engine.timersOf(queue)).pending, model.size)
      }
      t.equal((await world.engine.ends(to)).highWatermark, next - model.size)
    }
  )
}
