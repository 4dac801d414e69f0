import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct,
  uuid,
  zeroUuid
} from '../codec/index.ts'

/** Version 10 tells topic ids, version 12 asks by them (KIP-516). */
export const metadataRequest = request(3, [0, 13], 9, {
  /** Null is all topics; so is an empty list in version 0, which knows no null. */
  topics: array(
    struct({
      topicId: uuid.since(10).or(zeroUuid),
      /** Null where the topic is asked for by id. */
      name: string.nullable(10)
    })
  ).nullable(1),
  allowAutoTopicCreation: bool.since(4).or(true),
  /** From version 11 on DescribeCluster tells them (KIP-700). */
  includeClusterAuthorizedOperations: bool.since(8).until(10).or(false),
  includeTopicAuthorizedOperations: bool.since(8).or(false)
})

export type MetadataRequest = BodyOf<typeof metadataRequest>

export const metadataResponse = response(metadataRequest, {
  throttleTimeMs: int32.since(3).or(0),
  brokers: array(
    struct({ nodeId: int32, host: string, port: int32, rack: string.since(1).nullable().or(null) })
  ),
  clusterId: string.since(2).nullable().or(null),
  controllerId: int32.since(1).or(-1),
  topics: array(
    struct({
      errorCode: int16,
      /** Null for an id that is not known. */
      name: string.nullable(12),
      topicId: uuid.since(10),
      isInternal: bool.since(1).or(false),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: int32.since(7).or(-1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          offlineReplicas: array(int32).since(5)
        })
      ),
      /** -2147483648: not asked for. */
      topicAuthorizedOperations: int32.since(8).or(-2147483648)
    })
  ),
  clusterAuthorizedOperations: int32.since(8).until(10).or(-2147483648),
  errorCode: int16.since(13)
})

export type MetadataResponse = BodyOf<typeof metadataResponse>
export type MetadataResponseInput = InputOf<typeof metadataResponse>
