import t from 'tap'
import { type KafkaRig, kafkaRig } from '../rig.ts'
import { askOne, changeReads, filled, partition } from './fetch-asker.ts'

/** Makes the queues look as if they were in an epoch, with earlier ones that ended. */
function inEpoch(
  rig: KafkaRig,
  leaderEpoch: number,
  ended: Record<number, [number, number]>
): void {
  changeReads(rig, (data) => ({ ...data, ends: { ...data.ends, leaderEpoch } }))
  rig.changes.epochEnd = async (_queue, epoch) => {
    const end = ended[epoch]
    return end === undefined ? null : { epoch: end[0], endOffset: end[1] }
  }
}

t.test("a leader epoch that is not the queue's is fenced or unknown", async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  inEpoch(rig, 5, {})
  const client = rig.connect()
  for (const [currentLeaderEpoch, errorCode] of [
    [-1, 0],
    [5, 0],
    [4, 74],
    [6, 75]
  ] as const) {
    const one = await askOne(client, 'orders', partition(0, 0, { currentLeaderEpoch }))
    t.equal(one.errorCode, errorCode)
    t.equal(one.records?.length === 0, errorCode !== 0)
  }
  const asked = partition(0, 0, { currentLeaderEpoch: 4 })
  t.equal((await askOne(client, 'orders', asked, { version: 8 })).errorCode, 0, 'not in version 8')
})

t.test('a client that read beyond where its epoch ended is told, and gets no data', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  inEpoch(rig, 2, { 0: [0, 1], 1: [0, 1] })
  const client = rig.connect()
  const version = 12
  const fetchFrom = (offset: number, lastFetchedEpoch: number) =>
    askOne(client, 'orders', partition(0, offset, { lastFetchedEpoch }), { version })
  const none = { epoch: -1, endOffset: -1 }
  for (const [offset, epoch, diverging] of [
    [3, -1, none],
    [3, 2, none],
    [1, 0, none],
    [2, 0, { epoch: 0, endOffset: 1 }],
    [1, 1, { epoch: 0, endOffset: 1 }]
  ] as const) {
    const one = await fetchFrom(offset, epoch)
    t.match(one, { errorCode: 0, divergingEpoch: diverging }, `offset ${offset} epoch ${epoch}`)
    if (diverging !== none) t.equal(one.records?.length, 0)
  }
  t.equal((await fetchFrom(1, 7)).errorCode, 1, 'an epoch from the future')
})
