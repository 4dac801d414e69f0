/**
 * HEART_BEAT (34): who a client is and which groups it takes part in. A consumer group has its retry topic from then
 * on. The answer says nothing of heartbeat V2, so clients send whole heartbeats.
 */
import { TopicError } from '../../broker/topic-errors.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import type { heartBeatRequest } from '../headers/heart-beat.ts'
import { ensureTopic, retryPrefix } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'

/** SubscriptionGroupConfig.retryQueueNums by default. */
const retryQueueCount = 1

export const heartBeat: Handler<typeof heartBeatRequest> = async ({ body }, context) => {
  const refused = context.clients.heard(context.client, body)
  for (const { groupName } of body.consumerDataSet) {
    if (!refused.some(({ group }) => group === groupName)) await makeRetryTopic(groupName, context)
  }
  if (refused.length === 0) return {}
  // The client's other groups are taken; it logs this, and its pulls in this group say it again.
  const remark = refused.map(({ group, reason }) => `the group ${group} ${reason}`).join('; ')
  return refuse(responseCodes.NO_PERMISSION, remark)
}

/** A heartbeat is taken even where there is no room for another topic. */
async function makeRetryTopic(group: string, context: RequestContext): Promise<void> {
  const name = retryPrefix + group
  try {
    await ensureTopic(context, name, retryQueueCount)
  } catch (error) {
    if (!(error instanceof TopicError)) throw error
    context.log('warn', 'retry-topic-not-made', { group, reason: error.message })
  }
}
