/**
 * THE table of what the Kafka gateway serves: one row a request. Dispatch looks requests up here, ApiVersions answers
 * from it, and the table in the docs is made of it. Adding a request: its schema, its handler, their tests, a row here.
 */
import type { AnyMessage, BodyOf, Fields, InputOf, Message } from './codec/index.ts'
import type { Handler } from './context.ts'
import { alterConfigs } from './handlers/alter-configs.ts'
import { apiVersions } from './handlers/api-versions.ts'
import { createPartitions } from './handlers/create-partitions.ts'
import { createTopics } from './handlers/create-topics.ts'
import { deleteGroups } from './handlers/delete-groups.ts'
import { deleteRecords } from './handlers/delete-records.ts'
import { deleteTopics } from './handlers/delete-topics.ts'
import { describeCluster } from './handlers/describe-cluster.ts'
import { describeConfigs } from './handlers/describe-configs.ts'
import { describeGroups } from './handlers/describe-groups.ts'
import { describeLogDirs } from './handlers/describe-log-dirs.ts'
import { describeTopicPartitions } from './handlers/describe-topic-partitions.ts'
import { fetch } from './handlers/fetch.ts'
import { findCoordinator } from './handlers/find-coordinator.ts'
import { heartbeat } from './handlers/heartbeat.ts'
import { incrementalAlterConfigs } from './handlers/incremental-alter-configs.ts'
import { initProducerId } from './handlers/init-producer-id.ts'
import { joinGroup } from './handlers/join-group.ts'
import { leaveGroup } from './handlers/leave-group.ts'
import { listGroups } from './handlers/list-groups.ts'
import { listOffsets } from './handlers/list-offsets.ts'
import { listPartitionReassignments } from './handlers/list-partition-reassignments.ts'
import { metadata } from './handlers/metadata.ts'
import { offsetCommit } from './handlers/offset-commit.ts'
import { offsetDelete } from './handlers/offset-delete.ts'
import { offsetFetch } from './handlers/offset-fetch.ts'
import { offsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import { produce } from './handlers/produce.ts'
import { syncGroup } from './handlers/sync-group.ts'
import { alterConfigsRequest, alterConfigsResponse } from './schemas/alter-configs.ts'
import { apiVersionsRequest, apiVersionsResponse } from './schemas/api-versions.ts'
import { createPartitionsRequest, createPartitionsResponse } from './schemas/create-partitions.ts'
import { createTopicsRequest, createTopicsResponse } from './schemas/create-topics.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from './schemas/delete-groups.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './schemas/delete-records.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './schemas/delete-topics.ts'
import { describeClusterRequest, describeClusterResponse } from './schemas/describe-cluster.ts'
import { describeConfigsRequest, describeConfigsResponse } from './schemas/describe-configs.ts'
import { describeGroupsRequest, describeGroupsResponse } from './schemas/describe-groups.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './schemas/describe-log-dirs.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse
} from './schemas/describe-topic-partitions.ts'
import { fetchRequest, fetchResponse } from './schemas/fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './schemas/find-coordinator.ts'
import { heartbeatRequest, heartbeatResponse } from './schemas/heartbeat.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse
} from './schemas/incremental-alter-configs.ts'
import { initProducerIdRequest, initProducerIdResponse } from './schemas/init-producer-id.ts'
import { joinGroupRequest, joinGroupResponse } from './schemas/join-group.ts'
import { leaveGroupRequest, leaveGroupResponse } from './schemas/leave-group.ts'
import { listGroupsRequest, listGroupsResponse } from './schemas/list-groups.ts'
import { listOffsetsRequest, listOffsetsResponse } from './schemas/list-offsets.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse
} from './schemas/list-partition-reassignments.ts'
import { metadataRequest, metadataResponse } from './schemas/metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './schemas/offset-commit.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from './schemas/offset-delete.ts'
import { offsetFetchRequest, offsetFetchResponse } from './schemas/offset-fetch.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse
} from './schemas/offset-for-leader-epoch.ts'
import { produceRequest, produceResponse } from './schemas/produce.ts'
import { syncGroupRequest, syncGroupResponse } from './schemas/sync-group.ts'

export interface Route {
  readonly request: AnyMessage
  readonly response: AnyMessage
  /** Typed in its row; here only dispatch calls it, with the body that `request` decoded. */
  readonly handle: Handler<never, unknown>
}

/** Checks that a handler takes what the request decodes to and returns what the response is encoded from. */
export function route<Asked extends Fields, Answered extends Fields>(
  request: Message<Asked>,
  response: Message<Answered>,
  handle: Handler<BodyOf<Message<Asked>>, InputOf<Message<Answered>>>
): Route {
  return { request, response, handle }
}

export const routes: readonly Route[] = [
  route(fetchRequest, fetchResponse, fetch),
  route(initProducerIdRequest, initProducerIdResponse, initProducerId),
  route(listOffsetsRequest, listOffsetsResponse, listOffsets),
  route(offsetForLeaderEpochRequest, offsetForLeaderEpochResponse, offsetForLeaderEpoch),
  route(produceRequest, produceResponse, produce),
  route(apiVersionsRequest, apiVersionsResponse, apiVersions),
  route(alterConfigsRequest, alterConfigsResponse, alterConfigs),
  route(createPartitionsRequest, createPartitionsResponse, createPartitions),
  route(createTopicsRequest, createTopicsResponse, createTopics),
  route(deleteRecordsRequest, deleteRecordsResponse, deleteRecords),
  route(deleteTopicsRequest, deleteTopicsResponse, deleteTopics),
  route(describeClusterRequest, describeClusterResponse, describeCluster),
  route(describeConfigsRequest, describeConfigsResponse, describeConfigs),
  route(describeLogDirsRequest, describeLogDirsResponse, describeLogDirs),
  route(describeTopicPartitionsRequest, describeTopicPartitionsResponse, describeTopicPartitions),
  route(findCoordinatorRequest, findCoordinatorResponse, findCoordinator),
  route(incrementalAlterConfigsRequest, incrementalAlterConfigsResponse, incrementalAlterConfigs),
  route(
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
    listPartitionReassignments
  ),
  route(metadataRequest, metadataResponse, metadata),
  route(joinGroupRequest, joinGroupResponse, joinGroup),
  route(syncGroupRequest, syncGroupResponse, syncGroup),
  route(heartbeatRequest, heartbeatResponse, heartbeat),
  route(leaveGroupRequest, leaveGroupResponse, leaveGroup),
  route(offsetCommitRequest, offsetCommitResponse, offsetCommit),
  route(offsetFetchRequest, offsetFetchResponse, offsetFetch),
  route(listGroupsRequest, listGroupsResponse, listGroups),
  route(describeGroupsRequest, describeGroupsResponse, describeGroups),
  route(deleteGroupsRequest, deleteGroupsResponse, deleteGroups),
  route(offsetDeleteRequest, offsetDeleteResponse, offsetDelete)
]
