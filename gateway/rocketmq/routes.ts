/**
 * THE table of what the RocketMQ gateway serves: one row a request code. Dispatch looks requests up here, and the table
 * in the docs is made of it. Adding a request: its declaration, its handler, their tests, a row here.
 */
import type { AnyRequest } from './codec/index.ts'
import type { Handler, Role } from './context.ts'
import { checkClientConfig } from './handlers/check-client-config.ts'
import { getAllTopicListFromNameserver } from './handlers/get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterInfo } from './handlers/get-broker-cluster-info.ts'
import { getConsumerListByGroup } from './handlers/get-consumer-list-by-group.ts'
import { getMaxOffset } from './handlers/get-max-offset.ts'
import { getMinOffset } from './handlers/get-min-offset.ts'
import { getRouteinfoByTopic } from './handlers/get-routeinfo-by-topic.ts'
import { heartBeat } from './handlers/heart-beat.ts'
import { lockBatchMq } from './handlers/lock-batch-mq.ts'
import { litePullMessage, pullMessage } from './handlers/pull-message.ts'
import { queryConsumerOffset } from './handlers/query-consumer-offset.ts'
import { searchOffsetByTimestamp } from './handlers/search-offset-by-timestamp.ts'
import { sendBatchMessage, sendMessage, sendMessageV2 } from './handlers/send-message.ts'
import { sendReplyMessage, sendReplyMessageV2 } from './handlers/send-reply-message.ts'
import { unlockBatchMq } from './handlers/unlock-batch-mq.ts'
import { unregisterClient } from './handlers/unregister-client.ts'
import { updateConsumerOffset } from './handlers/update-consumer-offset.ts'
import { checkClientConfigRequest } from './headers/check-client-config.ts'
import { getAllTopicListFromNameserverRequest } from './headers/get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterInfoRequest } from './headers/get-broker-cluster-info.ts'
import { getConsumerListByGroupRequest } from './headers/get-consumer-list-by-group.ts'
import { getMaxOffsetRequest } from './headers/get-max-offset.ts'
import { getMinOffsetRequest } from './headers/get-min-offset.ts'
import { getRouteinfoByTopicRequest } from './headers/get-routeinfo-by-topic.ts'
import { heartBeatRequest } from './headers/heart-beat.ts'
import { lockBatchMqRequest } from './headers/lock-batch-mq.ts'
import { litePullMessageRequest, pullMessageRequest } from './headers/pull-message.ts'
import { queryConsumerOffsetRequest } from './headers/query-consumer-offset.ts'
import { searchOffsetByTimestampRequest } from './headers/search-offset-by-timestamp.ts'
import {
  sendBatchMessageRequest,
  sendMessageRequest,
  sendMessageV2Request,
  sendReplyMessageRequest,
  sendReplyMessageV2Request
} from './headers/send-message.ts'
import { unlockBatchMqRequest } from './headers/unlock-batch-mq.ts'
import { unregisterClientRequest } from './headers/unregister-client.ts'
import { updateConsumerOffsetRequest } from './headers/update-consumer-offset.ts'

/** `roles`: the listeners that answer it; clients ask some things of either. */
export interface Route {
  readonly request: AnyRequest
  readonly handle: Handler<never>
  readonly roles: Role | 'both'
}

/** The types of request and handler fit each other. */
export function route<R extends AnyRequest>(
  request: R,
  handle: Handler<R>,
  roles: Role | 'both'
): Route {
  return { request, handle: handle as Handler<never>, roles }
}

export const routes: readonly Route[] = [
  route(getRouteinfoByTopicRequest, getRouteinfoByTopic, 'both'),
  route(getBrokerClusterInfoRequest, getBrokerClusterInfo, 'namesrv'),
  route(getAllTopicListFromNameserverRequest, getAllTopicListFromNameserver, 'namesrv'),
  route(heartBeatRequest, heartBeat, 'broker'),
  route(unregisterClientRequest, unregisterClient, 'broker'),
  route(checkClientConfigRequest, checkClientConfig, 'broker'),
  route(getConsumerListByGroupRequest, getConsumerListByGroup, 'broker'),
  route(sendMessageRequest, sendMessage, 'broker'),
  route(sendMessageV2Request, sendMessageV2, 'broker'),
  route(sendBatchMessageRequest, sendBatchMessage, 'broker'),
  route(sendReplyMessageRequest, sendReplyMessage, 'broker'),
  route(sendReplyMessageV2Request, sendReplyMessageV2, 'broker'),
  route(pullMessageRequest, pullMessage, 'broker'),
  route(litePullMessageRequest, litePullMessage, 'broker'),
  route(queryConsumerOffsetRequest, queryConsumerOffset, 'broker'),
  route(updateConsumerOffsetRequest, updateConsumerOffset, 'broker'),
  route(searchOffsetByTimestampRequest, searchOffsetByTimestamp, 'broker'),
  route(getMaxOffsetRequest, getMaxOffset, 'broker'),
  route(getMinOffsetRequest, getMinOffset, 'broker'),
  route(lockBatchMqRequest, lockBatchMq, 'broker'),
  route(unlockBatchMqRequest, unlockBatchMq, 'broker')
]
