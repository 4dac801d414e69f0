/**
 * OffsetForLeaderEpoch, versions 2 to 4 (KIP-101, KIP-320): where an epoch ended, so that a client sees whether what
 * it read is still there. An epoch that is not known is answered with epoch and offset -1, and no error.
 */
import type { QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes, kafkaErrorOf } from '../error-codes.ts'
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponseInput
} from '../schemas/offset-for-leader-epoch.ts'
import { leaderEpochError } from './leader-epoch.ts'

type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]
type Answer = OffsetForLeaderEpochResponseInput['topics'][number]['partitions'][number]

export const offsetForLeaderEpoch: Handler<
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponseInput
> = async (request, context) => {
  const topics = await Promise.all(
    request.topics.map(async ({ topic: name, partitions }) => {
      const topic = await context.topics.findByName(name)
      const queues = topic === undefined || topic.system ? [] : topic.queues
      const answers = partitions.map((asked) =>
        answerPartition(queues[asked.partition], asked, context)
      )
      return { topic: name, partitions: await Promise.all(answers) }
    })
  )
  return { topics }
}

async function answerPartition(
  queue: QueueUid | undefined,
  { partition, currentLeaderEpoch, leaderEpoch }: Asked,
  { engine }: RequestContext
): Promise<Answer> {
  if (queue === undefined) return { partition, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  try {
    const ends = await engine.ends(queue)
    const errorCode = leaderEpochError(currentLeaderEpoch, ends.leaderEpoch)
    if (errorCode !== errorCodes.NONE) return { partition, errorCode }
    const end = await engine.epochEnd(queue, leaderEpoch)
    if (end === null) return { partition, errorCode }
    return { partition, errorCode, leaderEpoch: end.epoch, endOffset: end.endOffset }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return { partition, errorCode: kafkaErrorOf[error.code] }
  }
}
