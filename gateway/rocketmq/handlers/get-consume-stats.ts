/**
 * GET_CONSUME_STATS (208): a group's lag by queue, of the topics that are named or of all that it has a place in. Without
 * a list of topics, those that its members no longer subscribe to are left out.
 */
import type { Topic } from '../../../storage/contract.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import { isSubscribed, progressIn, topicsWithPlace } from '../consume-progress.ts'
import type { Handler, RequestContext } from '../context.ts'
import type { getConsumeStatsRequest } from '../headers/get-consume-stats.ts'
import { findTopic } from '../known-topics.ts'

export const getConsumeStats: Handler<typeof getConsumeStatsRequest> = async (
  { header: { consumerGroup, topic: name, topicList } },
  context
) => {
  const group = toKafkaGroupName(consumerGroup)
  const listed = (topicList ?? '').split(';').filter((one) => one.trim() !== '')
  const topics =
    listed.length > 0
      ? await topicsNamed(listed, context)
      : (await topicsToTell(name, group, context)).filter((topic) =>
          isSubscribed(topic, consumerGroup, context)
        )
  const offsetTable = []
  let consumeTps = 0
  for (const topic of topics) {
    const progress = await progressIn(topic, topic.readQueues, group, context)
    offsetTable.push(...progress.offsetTable)
    consumeTps += progress.consumeTps ?? 0
  }
  return { body: { offsetTable, consumeTps } }
}

function topicsToTell(name: string | undefined, group: string, context: RequestContext) {
  const isNamed = name !== undefined && name.trim() !== ''
  return isNamed ? topicsNamed([name], context) : topicsWithPlace(group, context)
}

async function topicsNamed(names: readonly string[], context: RequestContext): Promise<Topic[]> {
  const topics = await Promise.all(names.map((name) => findTopic(context, name)))
  return topics.filter((topic) => topic !== undefined)
}
