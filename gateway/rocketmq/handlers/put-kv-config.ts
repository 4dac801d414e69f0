/** PUT_KV_CONFIG (100). The order of a topic's queues (namespace ORDER_TOPIC_CONFIG) makes it one with an order. */
import type { Handler } from '../context.ts'
import type { putKvConfigRequest } from '../headers/put-kv-config.ts'
import { findTopic } from '../known-topics.ts'
import { putKvConfig as putKv } from '../kv-config.ts'
import { setTopicOrder } from '../topic-settings.ts'

/** NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG */
const orderNamespace = 'ORDER_TOPIC_CONFIG'

export const putKvConfig: Handler<typeof putKvConfigRequest> = async (
  { header: { namespace, key, value } },
  context
) => {
  await putKv(context.engine, namespace, key, value)
  const topic = namespace === orderNamespace ? await findTopic(context, key) : undefined
  if (topic !== undefined && !topic.system) await setTopicOrder(topic, true, context)
  return {}
}
