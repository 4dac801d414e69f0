/** Where a queue begins and ends; RocketMQ's maximum offset is our last stable one, which pulls read up to. */
import type { QueueEnds } from '../../storage/contract.ts'
import type { RequestContext } from './context.ts'
import { findTopic } from './known-topics.ts'

/** Undefined where there is no such topic or queue. */
export async function endsOfQueue(
  topicName: string,
  queueId: number,
  context: RequestContext
): Promise<QueueEnds | undefined> {
  const topic = await findTopic(context, topicName)
  const queue = topic?.queues[queueId]
  if (queue === undefined) return undefined
  const [ends] = await context.engine.endsOf([queue])
  return ends
}
