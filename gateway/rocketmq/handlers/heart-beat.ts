/**
 * HEART_BEAT (34): who a client is and which groups it takes part in. A consumer group has its retry topic from then
 * on. The answer says nothing of heartbeat V2, so clients send whole heartbeats.
 */
import { StoreError } from '../../../storage/errors.ts'
import { TopicError } from '../../broker/topic-errors.ts'
import type { BodyOf } from '../codec/body.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import { ensureGroup } from '../group-settings.ts'
import type { heartBeatRequest } from '../headers/heart-beat.ts'
import { findTopic } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import { ensureRetryTopic } from '../retry-topics.ts'
import { setTopicOrder, topicSettingsOf } from '../topic-settings.ts'

type ConsumerData = BodyOf<(typeof heartBeatRequest)['body']>['consumerDataSet'][number]

export const heartBeat: Handler<typeof heartBeatRequest> = async ({ body }, context) => {
  const refused = context.clients.heard(context.client, body)
  for (const data of body.consumerDataSet) {
    if (!refused.some(({ group }) => group === data.groupName)) await prepareGroup(data, context)
  }
  if (refused.length === 0) return {}
  // The client's other groups are taken; it logs this, and its pulls in this group say it again.
  const remark = refused.map(({ group, reason }) => `the group ${group} ${reason}`).join('; ')
  return refuse(responseCodes.NO_PERMISSION, remark)
}

/**
 * A group that is heard of is stored, and has its retry topic, which is in order where one of its topics is. A
 * heartbeat is taken even where there is no room for another group or topic.
 */
async function prepareGroup(data: ConsumerData, context: RequestContext): Promise<void> {
  const { groupName: group, subscriptionDataSet } = data
  try {
    await ensureGroup(group, context)
    const topic = await ensureRetryTopic(group, context)
    if (topic !== undefined)
      await setTopicOrder(topic, await isAnyOrdered(subscriptionDataSet, context), context)
  } catch (error) {
    const isFull = error instanceof StoreError && error.code === 'limit-reached'
    if (!isFull && !(error instanceof TopicError)) throw error
    context.log('warn', 'retry-topic-not-made', { group, reason: error.message })
  }
}

async function isAnyOrdered(
  subscriptions: ConsumerData['subscriptionDataSet'],
  context: RequestContext
): Promise<boolean> {
  for (const { topic: name } of subscriptions) {
    const topic = await findTopic(context, name)
    if (topic !== undefined && topicSettingsOf(topic).order) return true
  }
  return false
}
