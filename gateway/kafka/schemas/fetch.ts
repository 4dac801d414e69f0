import {
  array,
  type BodyOf,
  clamped64,
  type InputOf,
  int8,
  int16,
  int32,
  int64,
  offset64,
  records,
  request,
  response,
  string,
  struct,
  uuid,
  zeroUuid
} from '../codec/index.ts'

export const fetchRequest = request(1, [4, 18], 12, {
  clusterId: string.nullable(12).or(null).since(12).tagged(0),
  replicaId: int32.until(14).or(-1),
  /** Followers only (KIP-903). */
  replicaState: struct({
    replicaId: int32.or(-1),
    replicaEpoch: int64.or(-1n)
  })
    .since(15)
    .tagged(1),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: int32.or(0x7fffffff),
  /** 0 read uncommitted, 1 read committed. */
  isolationLevel: int8.or(0),
  /** Sessions: KIP-227. */
  sessionId: int32.since(7).or(0),
  sessionEpoch: int32.since(7).or(-1),
  topics: array(
    struct({
      topic: string.until(12).or(''),
      topicId: uuid.since(13).or(zeroUuid),
      partitions: array(
        struct({
          partition: int32,
          /** KIP-320. */
          currentLeaderEpoch: int32.since(9).or(-1),
          fetchOffset: clamped64,
          lastFetchedEpoch: int32.since(12).or(-1),
          logStartOffset: offset64.since(5).or(-1),
          partitionMaxBytes: int32,
          replicaDirectoryId: uuid.since(17).tagged(0),
          /** 2^63-1: not told (KIP-1166). */
          highWatermark: int64.since(18).or(0x7fffffffffffffffn).tagged(1)
        })
      )
    })
  ),
  forgottenTopicsData: array(
    struct({
      topic: string.until(12).or(''),
      topicId: uuid.since(13).or(zeroUuid),
      partitions: array(int32)
    })
  )
    .since(7)
    .or([]),
  rackId: string.since(11).or('')
})

export type FetchRequest = BodyOf<typeof fetchRequest>

export const fetchResponse = response(fetchRequest, {
  throttleTimeMs: int32.or(0),
  errorCode: int16.since(7).or(0),
  sessionId: int32.since(7).or(0),
  responses: array(
    struct({
      topic: string.until(12).or(''),
      topicId: uuid.since(13).or(zeroUuid),
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          highWatermark: offset64,
          lastStableOffset: offset64.or(-1),
          logStartOffset: offset64.since(5).or(-1),
          divergingEpoch: struct({ epoch: int32.or(-1), endOffset: offset64.or(-1) })
            .since(12)
            .tagged(0),
          currentLeader: struct({ leaderId: int32.or(-1), leaderEpoch: int32.or(-1) })
            .since(12)
            .tagged(1),
          snapshotId: struct({ endOffset: offset64.or(-1), epoch: int32.or(-1) })
            .since(12)
            .tagged(2),
          abortedTransactions: array(struct({ producerId: offset64, firstOffset: offset64 }))
            .nullable()
            .or([]),
          preferredReadReplica: int32.since(11).or(-1),
          records: records
        })
      )
    })
  ),
  nodeEndpoints: array(
    struct({ nodeId: int32, host: string, port: int32, rack: string.nullable().or(null) })
  )
    .since(16)
    .tagged(0)
})

export type FetchResponse = BodyOf<typeof fetchResponse>
export type FetchResponseInput = InputOf<typeof fetchResponse>
