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
  uuid
} from '../codec/index.ts'

export const describeTopicPartitionsRequest = request(75, [0, 0], 0, {
  topics: array(struct({ name: string })),
  responsePartitionLimit: int32.or(2000),
  /** Where to go on; null: from the beginning. */
  cursor: struct({ topicName: string, partitionIndex: int32 }).nullable().or(null)
})

export type DescribeTopicPartitionsRequest = BodyOf<typeof describeTopicPartitionsRequest>

export const describeTopicPartitionsResponse = response(describeTopicPartitionsRequest, {
  throttleTimeMs: int32.or(0),
  topics: array(
    struct({
      errorCode: int16,
      name: string.nullable(),
      topicId: uuid,
      isInternal: bool.or(false),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: int32.or(-1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          eligibleLeaderReplicas: array(int32).nullable().or(null),
          lastKnownElr: array(int32).nullable().or(null),
          offlineReplicas: array(int32)
        })
      ),
      topicAuthorizedOperations: int32.or(-2147483648)
    })
  ),
  /** Null: this is all. */
  nextCursor: struct({ topicName: string, partitionIndex: int32 }).nullable().or(null)
})

export type DescribeTopicPartitionsResponse = BodyOf<typeof describeTopicPartitionsResponse>
export type DescribeTopicPartitionsResponseInput = InputOf<typeof describeTopicPartitionsResponse>
