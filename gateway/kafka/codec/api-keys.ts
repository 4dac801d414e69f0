/** The keys of Kafka's APIs that have a schema here, by Kafka's names (ApiKeys). */
export const apiKeys = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  DescribeGroups: 15,
  ListGroups: 16,
  ApiVersions: 18,
  CreateTopics: 19,
  DeleteTopics: 20,
  DeleteRecords: 21,
  InitProducerId: 22,
  OffsetForLeaderEpoch: 23,
  DescribeConfigs: 32,
  AlterConfigs: 33,
  DescribeLogDirs: 35,
  CreatePartitions: 37,
  DeleteGroups: 42,
  IncrementalAlterConfigs: 44,
  ListPartitionReassignments: 46,
  OffsetDelete: 47,
  DescribeCluster: 60,
  DescribeTopicPartitions: 75
} as const

export type ApiName = keyof typeof apiKeys

const namesByKey = new Map<number, ApiName>(
  Object.entries(apiKeys).map(([name, key]) => [key, name as ApiName])
)

/** The name of an API that has a schema. Throws on any other key. */
export function apiNameOf(key: number): ApiName {
  const name = namesByKey.get(key)
  if (name === undefined) throw new RangeError(`no API with key ${key}`)
  return name
}
