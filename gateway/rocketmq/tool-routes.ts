/** What RocketMQ's tools and consoles ask besides what clients do: lists, connections, lag, statistics, settings told. */
import { cleanExpiredConsumequeue } from './handlers/clean-expired-consumequeue.ts'
import { cloneGroupOffset } from './handlers/clone-group-offset.ts'
import { consumeMessageDirectly } from './handlers/consume-message-directly.ts'
import { getAllConsumerOffset } from './handlers/get-all-consumer-offset.ts'
import { getAllDelayOffset } from './handlers/get-all-delay-offset.ts'
import { getAllProducerInfo } from './handlers/get-all-producer-info.ts'
import { getBrokerConfig } from './handlers/get-broker-config.ts'
import { getBrokerConsumeStats } from './handlers/get-broker-consume-stats.ts'
import { getBrokerRuntimeInfo } from './handlers/get-broker-runtime-info.ts'
import { getConsumeStats } from './handlers/get-consume-stats.ts'
import { getConsumerConnectionList } from './handlers/get-consumer-connection-list.ts'
import { getConsumerRunningInfo } from './handlers/get-consumer-running-info.ts'
import { getNamesrvConfig } from './handlers/get-namesrv-config.ts'
import { getProducerConnectionList } from './handlers/get-producer-connection-list.ts'
import { getSystemTopicListFromBroker } from './handlers/get-system-topic-list-from-broker.ts'
import { getSystemTopicListFromNs } from './handlers/get-system-topic-list-from-ns.ts'
import { getTopicStatsInfo } from './handlers/get-topic-stats-info.ts'
import { getTopicsByCluster } from './handlers/get-topics-by-cluster.ts'
import { getUnitTopicList } from './handlers/get-unit-topic-list.ts'
import { invokeBrokerToGetConsumerStatus } from './handlers/invoke-broker-to-get-consumer-status.ts'
import { invokeBrokerToResetOffset } from './handlers/invoke-broker-to-reset-offset.ts'
import { queryConsumeQueue } from './handlers/query-consume-queue.ts'
import { queryConsumeTimeSpan } from './handlers/query-consume-time-span.ts'
import { querySubscriptionByConsumer } from './handlers/query-subscription-by-consumer.ts'
import { queryTopicConsumeByWho } from './handlers/query-topic-consume-by-who.ts'
import { queryTopicsByConsumer } from './handlers/query-topics-by-consumer.ts'
import { updateBrokerConfig } from './handlers/update-broker-config.ts'
import { updateNamesrvConfig } from './handlers/update-namesrv-config.ts'
import { viewBrokerStatsData } from './handlers/view-broker-stats-data.ts'
import {
  cleanExpiredConsumequeueRequest,
  cleanUnusedTopicRequest,
  deleteExpiredCommitlogRequest
} from './headers/clean-expired-consumequeue.ts'
import { cloneGroupOffsetRequest } from './headers/clone-group-offset.ts'
import { consumeMessageDirectlyRequest } from './headers/consume-message-directly.ts'
import { getAllConsumerOffsetRequest } from './headers/get-all-consumer-offset.ts'
import { getAllDelayOffsetRequest } from './headers/get-all-delay-offset.ts'
import { getAllProducerInfoRequest } from './headers/get-all-producer-info.ts'
import { getBrokerConfigRequest } from './headers/get-broker-config.ts'
import { getBrokerConsumeStatsRequest } from './headers/get-broker-consume-stats.ts'
import { getBrokerRuntimeInfoRequest } from './headers/get-broker-runtime-info.ts'
import { getConsumeStatsRequest } from './headers/get-consume-stats.ts'
import { getConsumerConnectionListRequest } from './headers/get-consumer-connection-list.ts'
import { getConsumerRunningInfoRequest } from './headers/get-consumer-running-info.ts'
import { getNamesrvConfigRequest } from './headers/get-namesrv-config.ts'
import { getProducerConnectionListRequest } from './headers/get-producer-connection-list.ts'
import { getSystemTopicListFromBrokerRequest } from './headers/get-system-topic-list-from-broker.ts'
import { getSystemTopicListFromNsRequest } from './headers/get-system-topic-list-from-ns.ts'
import { getTopicStatsInfoRequest } from './headers/get-topic-stats-info.ts'
import { getTopicsByClusterRequest } from './headers/get-topics-by-cluster.ts'
import {
  getHasUnitSubTopicListRequest,
  getHasUnitSubUnunitTopicListRequest,
  getUnitTopicListRequest
} from './headers/get-unit-topic-list.ts'
import { invokeBrokerToGetConsumerStatusRequest } from './headers/invoke-broker-to-get-consumer-status.ts'
import { invokeBrokerToResetOffsetRequest } from './headers/invoke-broker-to-reset-offset.ts'
import { queryConsumeQueueRequest } from './headers/query-consume-queue.ts'
import { queryConsumeTimeSpanRequest } from './headers/query-consume-time-span.ts'
import { querySubscriptionByConsumerRequest } from './headers/query-subscription-by-consumer.ts'
import { queryTopicConsumeByWhoRequest } from './headers/query-topic-consume-by-who.ts'
import { queryTopicsByConsumerRequest } from './headers/query-topics-by-consumer.ts'
import { updateBrokerConfigRequest } from './headers/update-broker-config.ts'
import { updateNamesrvConfigRequest } from './headers/update-namesrv-config.ts'
import { viewBrokerStatsDataRequest } from './headers/view-broker-stats-data.ts'
import { type Route, route } from './route.ts'

export const toolRoutes: readonly Route[] = [
  route(getAllConsumerOffsetRequest, getAllConsumerOffset, 'broker'),
  route(getAllDelayOffsetRequest, getAllDelayOffset, 'broker'),
  route(getAllProducerInfoRequest, getAllProducerInfo, 'broker'),
  route(getBrokerConfigRequest, getBrokerConfig, 'broker'),
  route(updateBrokerConfigRequest, updateBrokerConfig, 'broker'),
  route(getBrokerConsumeStatsRequest, getBrokerConsumeStats, 'broker'),
  route(getBrokerRuntimeInfoRequest, getBrokerRuntimeInfo, 'broker'),
  route(getConsumeStatsRequest, getConsumeStats, 'broker'),
  route(getConsumerConnectionListRequest, getConsumerConnectionList, 'broker'),
  route(getProducerConnectionListRequest, getProducerConnectionList, 'broker'),
  route(getNamesrvConfigRequest, getNamesrvConfig, 'namesrv'),
  route(updateNamesrvConfigRequest, updateNamesrvConfig, 'namesrv'),
  route(getSystemTopicListFromBrokerRequest, getSystemTopicListFromBroker, 'broker'),
  route(getSystemTopicListFromNsRequest, getSystemTopicListFromNs, 'namesrv'),
  route(getTopicStatsInfoRequest, getTopicStatsInfo, 'broker'),
  route(getTopicsByClusterRequest, getTopicsByCluster, 'namesrv'),
  route(queryConsumeQueueRequest, queryConsumeQueue, 'broker'),
  route(queryConsumeTimeSpanRequest, queryConsumeTimeSpan, 'broker'),
  route(querySubscriptionByConsumerRequest, querySubscriptionByConsumer, 'broker'),
  route(queryTopicConsumeByWhoRequest, queryTopicConsumeByWho, 'broker'),
  route(queryTopicsByConsumerRequest, queryTopicsByConsumer, 'broker'),
  route(viewBrokerStatsDataRequest, viewBrokerStatsData, 'broker'),
  route(invokeBrokerToResetOffsetRequest, invokeBrokerToResetOffset, 'broker'),
  route(invokeBrokerToGetConsumerStatusRequest, invokeBrokerToGetConsumerStatus, 'broker'),
  route(getConsumerRunningInfoRequest, getConsumerRunningInfo, 'broker'),
  route(consumeMessageDirectlyRequest, consumeMessageDirectly, 'broker'),
  route(cloneGroupOffsetRequest, cloneGroupOffset, 'broker'),
  route(cleanExpiredConsumequeueRequest, cleanExpiredConsumequeue, 'broker'),
  route(cleanUnusedTopicRequest, cleanExpiredConsumequeue, 'broker'),
  route(deleteExpiredCommitlogRequest, cleanExpiredConsumequeue, 'broker'),
  route(getUnitTopicListRequest, getUnitTopicList, 'namesrv'),
  route(getHasUnitSubTopicListRequest, getUnitTopicList, 'namesrv'),
  route(getHasUnitSubUnunitTopicListRequest, getUnitTopicList, 'namesrv')
]
