import type { Test } from 'tap'
import type { Change } from '../../../storage/contract.ts'
import { type StateRow, stateKeys } from '../../../storage/state/rows.ts'
import {
  appendOf,
  batchOf,
  committedOffset,
  contractTest,
  type OpenEngine,
  refusal
} from './world.ts'

const put = (row: StateRow): Change => ({ op: 'put', row })

export function stateTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'rows come back as they were put, over restarts', async (t, world) => {
    const { id, queues } = await world.topic('t')
    const offset = {
      ...committedOffset('grüppe/ \u0000x', id, -7),
      leaderEpoch: 12,
      metadata: 'meta \u{1f600}',
      commitTimeMs: 1_750_000_000_123
    }
    const group = {
      names: { kafka: 'g.1', rocketmq: 'g|2E1' },
      protocolType: 'consumer',
      emptySinceMs: -1,
      settings: { retryMaxTimes: '16', empty: '' }
    }
    const rows: StateRow[] = [
      { family: 'committed-offset', row: offset },
      { family: 'group', row: group },
      { family: 'setting', row: { name: 'n', value: 'v'.repeat(5000) } }
    ]
    await world.append(queues[0]!, batchOf(['a']))
    await world.commit({ changes: rows.map(put) })
    for (let round = 0; round < 3; round++) {
      const key = stateKeys.committedOffset(offset.group, id, 0)
      t.strictSame({ ...(await world.engine.readState(key))?.row }, offset)
      t.same((await world.engine.readState(stateKeys.group('g.1')))?.row, group)
      t.equal((await world.engine.readState(stateKeys.setting('n')))?.row.value.length, 5000)
      t.equal(await world.engine.readState(stateKeys.setting('m')), undefined)
      t.equal(await world.engine.readState(stateKeys.group('g|2E1')), undefined)
      if (round === 0) await world.under.reopen()
      else await world.under.crash()
    }
  })

  contractTest(t, open, 'a bucket holds its own rows and no other\u2019s', async (t, world) => {
    const { id } = await world.topic('t', 3)
    const { id: other } = await world.topic('u')
    const groups = ['a', 'a\u0000', 'aa', 'a/b', 'b', '']
    const rows = groups.flatMap((group, i) => [
      committedOffset(group, id, i, 0),
      committedOffset(group, id, i + 10, 2),
      committedOffset(group, other, i + 20)
    ])
    await world.commit({ changes: rows.map((row) => put({ family: 'committed-offset', row })) })
    for (let round = 0; round < 2; round++) {
      for (const [i, group] of groups.entries()) {
        const found = await world.engine.scanState('committed-offset', group)
        t.same(
          found.map((row) => row.offset).sort((x, y) => x - y),
          [i, i + 10, i + 20]
        )
        t.ok(found.every((row) => row.group === group))
      }
      t.equal((await world.engine.scanState('committed-offset')).length, rows.length)
      t.same(await world.engine.scanState('committed-offset', 'c'), [])
      t.same(await world.engine.scanState('group'), [])
      await world.under.crash()
    }
  })

  contractTest(t, open, 'the last write of a row counts, within a commit too', async (t, world) => {
    const setting = (value: string) => put({ family: 'setting', row: { name: 's', value } })
    const drop: Change = { op: 'delete', key: stateKeys.setting('s') }
    await world.commit({ changes: [setting('1'), setting('2'), drop, setting('3')] })
    t.equal((await world.engine.readState(stateKeys.setting('s')))?.row.value, '3')
    await world.commit({ changes: [setting('4'), drop] })
    for (let round = 0; round < 2; round++) {
      t.equal(await world.engine.readState(stateKeys.setting('s')), undefined)
      t.same(await world.engine.scanState('setting'), [])
      await world.under.crash()
    }
    await world.commit({ changes: [{ op: 'delete', key: stateKeys.setting('never was') }] })
  })

  contractTest(t, open, 'many rows and many queues outlive restarts', async (t, world) => {
    const topics = []
    for (let i = 0; i < 20; i++) topics.push(await world.topic(`t${i}`, 10))
    for (const { id, queues } of topics) {
      await world.engine.commit({
        appends: queues.map((queue) => appendOf(queue, batchOf([`${queue}`]))),
        changes: queues.map((_, queue) =>
          put({ family: 'committed-offset', row: committedOffset('g', id, queue * 3, queue) })
        )
      })
    }
    await world.engine.settle()
    for (const how of ['reopen', 'crash', 'reopen'] as const) {
      await world.under[how]()
      t.equal((await world.engine.topics()).length, 20)
      t.equal((await world.engine.scanState('committed-offset', 'g')).length, 200)
      for (const { queues } of topics)
        for (const queue of queues.slice(0, 3)) t.same(await world.valuesOf(queue), [`${queue}`])
    }
  })
}

export function lifecycleTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'the store is known by the same ids for ever', async (t, world) => {
    const { storeId, clusterId } = world.engine.info
    t.match(storeId, /^[0-9a-f]{32}$/)
    t.match(clusterId, /^[A-Za-z0-9_-]{22}$/)
    await world.under.reopen()
    await world.under.crash()
    t.same(world.engine.info, { storeId, clusterId })
  })

  contractTest(
    t,
    open,
    'a close does what was asked before it, and nothing after',
    async (t, world) => {
      const queue = await world.queue()
      const { engine } = world
      t.match(engine.status(), { state: 'ready' })
      const before = engine.commit({ appends: [appendOf(queue, batchOf(['before']))] })
      const closing = engine.close()
      const after = refusal(engine.commit({ appends: [appendOf(queue, batchOf(['after']))] }))
      t.equal((await after).code, 'closed')
      t.equal((await before).appends[0]!.baseOffset, 0)
      await closing
      await engine.close()
      t.equal(engine.status().state, 'closed')
      const calls = [
        () => engine.commit({}),
        () => engine.read({ queues: [], maxBytes: 1, isolation: 'uncommitted' }),
        () => engine.ends(queue),
        () => engine.topics(),
        () => engine.findTopic({ queue }),
        () => engine.readState(stateKeys.setting('s')),
        () => engine.scanState('setting'),
        () => engine.offsetByTime(queue, 0, 'record'),
        () => engine.latestByTimestamp(queue),
        () => engine.epochEnd(queue, 0),
        () =>
          engine.waitForData({
            queues: [{ queue, offset: 0 }],
            minBytes: 1,
            maxWaitMs: 0,
            isolation: 'uncommitted'
          })
      ]
      for (const call of calls) t.equal((await refusal(call())).code, 'closed', `${call}`)
      await world.under.reopen()
      t.same(await world.valuesOf(queue), ['before'])
    }
  )

  contractTest(t, open, 'figures count what happened', async (t, world) => {
    const queue = await world.queue()
    const before = world.engine.stats()
    await world.append(queue, batchOf(['a', 'b', 'c']))
    const after = world.engine.stats()
    t.equal(after.appendedRecords - before.appendedRecords, 3)
    t.ok(after.flushGroups > before.flushGroups)
    t.ok(after.fsyncs > before.fsyncs)
    t.ok(after.flushedBytes - before.flushedBytes > batchOf(['a', 'b', 'c']).bytes.length)
    t.match(after, { pendingCommits: 0, pendingBytes: 0, waiters: 0, corruptReads: 0 })
    t.ok(after.segments >= 1 && after.logBytes > 0 && after.freeBytes > 0)
  })
}
