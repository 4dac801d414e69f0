/** GET_CONSUMER_RUNNING_INFO (307): asked of the consumer that is named, whose answer it is. */
import { askConsumer } from '../asked-consumer.ts'
import type { Handler } from '../context.ts'
import { getConsumerRunningInfoRequest } from '../headers/get-consumer-running-info.ts'

export const getConsumerRunningInfo: Handler<typeof getConsumerRunningInfoRequest> = (
  { header },
  context
) => {
  const { consumerGroup, clientId } = header
  const pushed = { header, body: undefined }
  return askConsumer(consumerGroup, clientId, getConsumerRunningInfoRequest, pushed, context)
}
