/** What tests of the tools' requests start with: a topic `orders`, and a client of each listener. */
import t, { type Test } from 'tap'
import { parseJson } from '../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqPeer } from './rig.ts'
import { StoreRig } from './store-rig.ts'

export async function openTools(t: Test) {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  return { rig, broker: rig.broker.connect(), namesrv: rig.namesrv.connect() }
}

/** The body of an answer, as RocketMQ's tools read it. */
export async function told(peer: RocketmqPeer, code: number, fields: Record<string, string> = {}) {
  const answer = await peer.ask(code, { fields })
  t.equal(answer.code, 0, answer.remark ?? '')
  // biome-ignore lint/suspicious/noExplicitAny: each test looks at what it expects
  return JSON.parse(JSON.stringify(parseJson(answer.body.toString()))) as any
}

/** Commits a place in a queue of `orders`. */
export function commit(peer: RocketmqPeer, consumerGroup: string, queueId: number, offset: number) {
  const place = { topic: 'orders', queueId: `${queueId}`, commitOffset: `${offset}` }
  return peer.ask(15, { fields: { consumerGroup, ...place } })
}
