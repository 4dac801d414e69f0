/**
 * THE table of what the RocketMQ gateway serves: one row a request code. Dispatch looks requests up here, and the table
 * in the docs is made of it. Adding a request: its declaration, its handler, their tests, a row here.
 */
import { addWritePermOfBroker } from './handlers/add-write-perm-of-broker.ts'
import { checkClientConfig } from './handlers/check-client-config.ts'
import { consumerSendMsgBack } from './handlers/consumer-send-msg-back.ts'
import { deleteKvConfig } from './handlers/delete-kv-config.ts'
import { deleteSubscriptiongroup } from './handlers/delete-subscriptiongroup.ts'
import { deleteTopicInBroker } from './handlers/delete-topic-in-broker.ts'
import { deleteTopicInNamesrv } from './handlers/delete-topic-in-namesrv.ts'
import { endTransaction } from './handlers/end-transaction.ts'
import { getAllSubscriptiongroupConfig } from './handlers/get-all-subscriptiongroup-config.ts'
import { getAllTopicConfig } from './handlers/get-all-topic-config.ts'
import { getAllTopicListFromNameserver } from './handlers/get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterInfo } from './handlers/get-broker-cluster-info.ts'
import { getConsumerListByGroup } from './handlers/get-consumer-list-by-group.ts'
import { getEarliestMsgStoretime } from './handlers/get-earliest-msg-storetime.ts'
import { getKvConfig } from './handlers/get-kv-config.ts'
import { getKvlistByNamespace } from './handlers/get-kvlist-by-namespace.ts'
import { getMaxOffset } from './handlers/get-max-offset.ts'
import { getMinOffset } from './handlers/get-min-offset.ts'
import { getRouteinfoByTopic } from './handlers/get-routeinfo-by-topic.ts'
import { getSubscriptiongroupConfig } from './handlers/get-subscriptiongroup-config.ts'
import { getTopicConfig } from './handlers/get-topic-config.ts'
import { heartBeat } from './handlers/heart-beat.ts'
import { lockBatchMq } from './handlers/lock-batch-mq.ts'
import { litePullMessage, pullMessage } from './handlers/pull-message.ts'
import { putKvConfig } from './handlers/put-kv-config.ts'
import { queryAssignment } from './handlers/query-assignment.ts'
import { queryConsumerOffset } from './handlers/query-consumer-offset.ts'
import { queryMessage } from './handlers/query-message.ts'
import { recallMessage } from './handlers/recall-message.ts'
import { searchOffsetByTimestamp } from './handlers/search-offset-by-timestamp.ts'
import { sendBatchMessage, sendMessage, sendMessageV2 } from './handlers/send-message.ts'
import { sendReplyMessage, sendReplyMessageV2 } from './handlers/send-reply-message.ts'
import { setMessageRequestMode } from './handlers/set-message-request-mode.ts'
import { unlockBatchMq } from './handlers/unlock-batch-mq.ts'
import { unregisterClient } from './handlers/unregister-client.ts'
import { updateAndCreateSubscriptiongroup } from './handlers/update-and-create-subscriptiongroup.ts'
import { updateAndCreateSubscriptiongroupList } from './handlers/update-and-create-subscriptiongroup-list.ts'
import { updateAndCreateTopic } from './handlers/update-and-create-topic.ts'
import { updateAndCreateTopicList } from './handlers/update-and-create-topic-list.ts'
import { updateConsumerOffset } from './handlers/update-consumer-offset.ts'
import { viewMessageById } from './handlers/view-message-by-id.ts'
import { wipeWritePermOfBroker } from './handlers/wipe-write-perm-of-broker.ts'
import { addWritePermOfBrokerRequest } from './headers/add-write-perm-of-broker.ts'
import { checkClientConfigRequest } from './headers/check-client-config.ts'
import { consumerSendMsgBackRequest } from './headers/consumer-send-msg-back.ts'
import { deleteKvConfigRequest } from './headers/delete-kv-config.ts'
import { deleteSubscriptiongroupRequest } from './headers/delete-subscriptiongroup.ts'
import { deleteTopicInBrokerRequest } from './headers/delete-topic-in-broker.ts'
import { deleteTopicInNamesrvRequest } from './headers/delete-topic-in-namesrv.ts'
import { endTransactionRequest } from './headers/end-transaction.ts'
import { getAllSubscriptiongroupConfigRequest } from './headers/get-all-subscriptiongroup-config.ts'
import { getAllTopicConfigRequest } from './headers/get-all-topic-config.ts'
import { getAllTopicListFromNameserverRequest } from './headers/get-all-topic-list-from-nameserver.ts'
import { getBrokerClusterInfoRequest } from './headers/get-broker-cluster-info.ts'
import { getConsumerListByGroupRequest } from './headers/get-consumer-list-by-group.ts'
import { getEarliestMsgStoretimeRequest } from './headers/get-earliest-msg-storetime.ts'
import { getKvConfigRequest } from './headers/get-kv-config.ts'
import { getKvlistByNamespaceRequest } from './headers/get-kvlist-by-namespace.ts'
import { getMaxOffsetRequest } from './headers/get-max-offset.ts'
import { getMinOffsetRequest } from './headers/get-min-offset.ts'
import { getRouteinfoByTopicRequest } from './headers/get-routeinfo-by-topic.ts'
import { getSubscriptiongroupConfigRequest } from './headers/get-subscriptiongroup-config.ts'
import { getTopicConfigRequest } from './headers/get-topic-config.ts'
import { heartBeatRequest } from './headers/heart-beat.ts'
import { lockBatchMqRequest } from './headers/lock-batch-mq.ts'
import { litePullMessageRequest, pullMessageRequest } from './headers/pull-message.ts'
import { putKvConfigRequest } from './headers/put-kv-config.ts'
import { queryAssignmentRequest } from './headers/query-assignment.ts'
import { queryConsumerOffsetRequest } from './headers/query-consumer-offset.ts'
import { queryMessageRequest } from './headers/query-message.ts'
import { recallMessageRequest } from './headers/recall-message.ts'
import { searchOffsetByTimestampRequest } from './headers/search-offset-by-timestamp.ts'
import {
  sendBatchMessageRequest,
  sendMessageRequest,
  sendMessageV2Request,
  sendReplyMessageRequest,
  sendReplyMessageV2Request
} from './headers/send-message.ts'
import { setMessageRequestModeRequest } from './headers/set-message-request-mode.ts'
import { unlockBatchMqRequest } from './headers/unlock-batch-mq.ts'
import { unregisterClientRequest } from './headers/unregister-client.ts'
import { updateAndCreateSubscriptiongroupRequest } from './headers/update-and-create-subscriptiongroup.ts'
import { updateAndCreateSubscriptiongroupListRequest } from './headers/update-and-create-subscriptiongroup-list.ts'
import { updateAndCreateTopicRequest } from './headers/update-and-create-topic.ts'
import { updateAndCreateTopicListRequest } from './headers/update-and-create-topic-list.ts'
import { updateConsumerOffsetRequest } from './headers/update-consumer-offset.ts'
import { viewMessageByIdRequest } from './headers/view-message-by-id.ts'
import { wipeWritePermOfBrokerRequest } from './headers/wipe-write-perm-of-broker.ts'
import { type Route, route } from './route.ts'
import { toolRoutes } from './tool-routes.ts'

export { type Route, route }

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
  route(recallMessageRequest, recallMessage, 'broker'),
  route(endTransactionRequest, endTransaction, 'broker'),
  route(pullMessageRequest, pullMessage, 'broker'),
  route(litePullMessageRequest, litePullMessage, 'broker'),
  route(consumerSendMsgBackRequest, consumerSendMsgBack, 'broker'),
  route(queryConsumerOffsetRequest, queryConsumerOffset, 'broker'),
  route(updateConsumerOffsetRequest, updateConsumerOffset, 'broker'),
  route(searchOffsetByTimestampRequest, searchOffsetByTimestamp, 'broker'),
  route(getMaxOffsetRequest, getMaxOffset, 'broker'),
  route(getMinOffsetRequest, getMinOffset, 'broker'),
  route(getEarliestMsgStoretimeRequest, getEarliestMsgStoretime, 'broker'),
  route(queryMessageRequest, queryMessage, 'broker'),
  route(viewMessageByIdRequest, viewMessageById, 'broker'),
  route(queryAssignmentRequest, queryAssignment, 'broker'),
  route(setMessageRequestModeRequest, setMessageRequestMode, 'broker'),
  route(lockBatchMqRequest, lockBatchMq, 'broker'),
  route(unlockBatchMqRequest, unlockBatchMq, 'broker'),
  route(updateAndCreateTopicRequest, updateAndCreateTopic, 'broker'),
  route(updateAndCreateTopicListRequest, updateAndCreateTopicList, 'broker'),
  route(deleteTopicInBrokerRequest, deleteTopicInBroker, 'broker'),
  route(getAllTopicConfigRequest, getAllTopicConfig, 'broker'),
  route(getTopicConfigRequest, getTopicConfig, 'broker'),
  route(updateAndCreateSubscriptiongroupRequest, updateAndCreateSubscriptiongroup, 'broker'),
  route(
    updateAndCreateSubscriptiongroupListRequest,
    updateAndCreateSubscriptiongroupList,
    'broker'
  ),
  route(getAllSubscriptiongroupConfigRequest, getAllSubscriptiongroupConfig, 'broker'),
  route(getSubscriptiongroupConfigRequest, getSubscriptiongroupConfig, 'broker'),
  route(deleteSubscriptiongroupRequest, deleteSubscriptiongroup, 'broker'),
  route(deleteTopicInNamesrvRequest, deleteTopicInNamesrv, 'namesrv'),
  route(wipeWritePermOfBrokerRequest, wipeWritePermOfBroker, 'namesrv'),
  route(addWritePermOfBrokerRequest, addWritePermOfBroker, 'namesrv'),
  route(putKvConfigRequest, putKvConfig, 'namesrv'),
  route(getKvConfigRequest, getKvConfig, 'namesrv'),
  route(deleteKvConfigRequest, deleteKvConfig, 'namesrv'),
  route(getKvlistByNamespaceRequest, getKvlistByNamespace, 'namesrv'),
  ...toolRoutes
]
