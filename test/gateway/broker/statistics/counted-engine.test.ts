import t from 'tap'
import { CountedEngine } from '../../../../gateway/broker/statistics/counted-engine.ts'
import { recordOfMessage } from '../../../../gateway/broker/translate/index.ts'
import type { Engine, PackedRecord } from '../../../../storage/contract.ts'
import { type CommittedOffsetRow, stateKeys } from '../../../../storage/state/rows.ts'
import { StoreRig } from '../../rocketmq/store-rig.ts'

const record = recordOfMessage({
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: 1,
  bornHost: { address: Buffer.alloc(4), port: 0 },
  reconsumeTimes: 0,
  preparedOffset: 0n,
  properties: Buffer.from('a\u00011\u0002'),
  body: Buffer.from('body')
}) as PackedRecord

t.test('appends and reads are told as they are done', async (t) => {
  const rig = await StoreRig.open(t)
  const id = await rig.addTopic('orders')
  const queue = (await rig.store.findTopic({ id }))?.queues[0] as number
  const told: unknown[] = []
  const engine: Engine = new CountedEngine(rig.store, {
    appended: (...one) => told.push(['appended', ...one]),
    read: (...one) => told.push(['read', ...one])
  })
  const records = [record, record, record]
  await engine.commit({ appends: [{ queue, records, origin: 'rocketmq' }] })
  t.same(told.splice(0), [['appended', queue, 3, 3 * record.encoded.length]])
  const read = (offset: number) =>
    engine.read({ queues: [{ queue, offset, maxBytes: 1 }], maxBytes: 1, isolation: 'committed' })
  const [found] = await read(1)
  const bytes = found instanceof Error ? 0 : (found?.bytes ?? 0)
  t.ok(bytes > 0)
  t.same(told.splice(0), [['read', 2, bytes]], 'from the offset that was asked for')
  await read(3)
  t.same(told.splice(0), [['read', 0, 0]])
  await read(9)
  t.same(told.splice(0), [['read', 0, 0]], 'out of range')
  await t.rejects(engine.commit({ appends: [{ queue: 99, records, origin: 'rocketmq' }] }))
  t.same(told, [], 'what was refused was not done')
})

t.test("a watched group's moves are told, with where it was", async (t) => {
  const rig = await StoreRig.open(t)
  const topicId = await rig.addTopic('orders')
  const told: unknown[] = []
  const engine = new CountedEngine(rig.store, {
    watches: (group) => group === 'seen',
    moved: ({ group, offset }, from) => told.push([group, from, offset])
  })
  const commit = (group: string, offset: number) => {
    const place = { group, topicId, queue: 0, offset, leaderEpoch: -1, metadata: '' }
    const row: CommittedOffsetRow = { ...place, commitTimeMs: 1 }
    return engine.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
  }
  await commit('seen', 3)
  t.same(told, [], 'where it was before is not known')
  await commit('seen', 8)
  await commit('other', 1)
  await commit('other', 2)
  await commit('seen', 2)
  t.same(told, [
    ['seen', 3, 8],
    ['seen', 8, 2]
  ])
  const stored = await engine.readState(stateKeys.committedOffset('seen', topicId, 0))
  t.equal(stored?.row.offset, 2)
})
