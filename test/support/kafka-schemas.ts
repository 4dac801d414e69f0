import type { AnyMessage } from '../../gateway/kafka/codec/index.ts'
import * as alterConfigs from '../../gateway/kafka/schemas/alter-configs.ts'
import * as apiVersions from '../../gateway/kafka/schemas/api-versions.ts'
import * as createPartitions from '../../gateway/kafka/schemas/create-partitions.ts'
import * as createTopics from '../../gateway/kafka/schemas/create-topics.ts'
import * as deleteGroups from '../../gateway/kafka/schemas/delete-groups.ts'
import * as deleteRecords from '../../gateway/kafka/schemas/delete-records.ts'
import * as deleteTopics from '../../gateway/kafka/schemas/delete-topics.ts'
import * as describeCluster from '../../gateway/kafka/schemas/describe-cluster.ts'
import * as describeConfigs from '../../gateway/kafka/schemas/describe-configs.ts'
import * as describeGroups from '../../gateway/kafka/schemas/describe-groups.ts'
import * as describeLogDirs from '../../gateway/kafka/schemas/describe-log-dirs.ts'
import * as describeTopicPartitions from '../../gateway/kafka/schemas/describe-topic-partitions.ts'
import * as fetch from '../../gateway/kafka/schemas/fetch.ts'
import * as findCoordinator from '../../gateway/kafka/schemas/find-coordinator.ts'
import * as heartbeat from '../../gateway/kafka/schemas/heartbeat.ts'
import * as incrementalAlterConfigs from '../../gateway/kafka/schemas/incremental-alter-configs.ts'
import * as initProducerId from '../../gateway/kafka/schemas/init-producer-id.ts'
import * as joinGroup from '../../gateway/kafka/schemas/join-group.ts'
import * as leaveGroup from '../../gateway/kafka/schemas/leave-group.ts'
import * as listGroups from '../../gateway/kafka/schemas/list-groups.ts'
import * as listOffsets from '../../gateway/kafka/schemas/list-offsets.ts'
import * as listPartitionReassignments from '../../gateway/kafka/schemas/list-partition-reassignments.ts'
import * as metadata from '../../gateway/kafka/schemas/metadata.ts'
import * as offsetCommit from '../../gateway/kafka/schemas/offset-commit.ts'
import * as offsetDelete from '../../gateway/kafka/schemas/offset-delete.ts'
import * as offsetFetch from '../../gateway/kafka/schemas/offset-fetch.ts'
import * as offsetForLeaderEpoch from '../../gateway/kafka/schemas/offset-for-leader-epoch.ts'
import * as produce from '../../gateway/kafka/schemas/produce.ts'
import * as syncGroup from '../../gateway/kafka/schemas/sync-group.ts'

const modules: readonly Record<string, AnyMessage>[] = [
  alterConfigs,
  apiVersions,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeTopicPartitions,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  syncGroup
]

/** Every request and response that has a schema. */
export const allMessages: readonly AnyMessage[] = modules.flatMap((module) => Object.values(module))

/** The schema of an API's request or response, by Kafka's name for the API. */
export function messageNamed(name: string, direction: string): AnyMessage {
  const found = allMessages.find((one) => one.name === name && one.direction === direction)
  if (found === undefined) throw new Error(`no schema for ${name} ${direction}`)
  return found
}
