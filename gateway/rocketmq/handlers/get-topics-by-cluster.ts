/** GET_TOPICS_BY_CLUSTER (224): there is one cluster, and it has every topic. */
import type { Handler } from '../context.ts'
import type { getTopicsByClusterRequest } from '../headers/get-topics-by-cluster.ts'
import { listedTopicNames } from '../listed-topics.ts'

export const getTopicsByCluster: Handler<typeof getTopicsByClusterRequest> = async (
  { header: { cluster } },
  context
) => {
  const isOurs = cluster === context.clusterName
  return { body: { topicList: isOurs ? await listedTopicNames(context) : [] } }
}
