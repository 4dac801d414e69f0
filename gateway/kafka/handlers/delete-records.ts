/**
 * DeleteRecords, versions 0 to 2 (KIP-107): moves log starts. -1 stands for the high watermark. An offset that the log
 * start has passed already is no error; the answer tells where the log begins now. Their space is freed as retention
 * frees it.
 */
import { type QueueUid, StoreError, type Topic } from '../../../storage/index.ts'
import { listMembers } from '../../broker/setting-values.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes, kafkaErrorOf } from '../error-codes.ts'
import type { DeleteRecordsRequest, DeleteRecordsResponseInput } from '../schemas/delete-records.ts'

type Asked = DeleteRecordsRequest['topics'][number]['partitions'][number]
type Answer = DeleteRecordsResponseInput['topics'][number]['partitions'][number]

const toHighWatermark = -1
/** lowWatermark of an answer that has none. */
const none = -1

export const deleteRecords: Handler<DeleteRecordsRequest, DeleteRecordsResponseInput> = async (
  request,
  context
) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      const topic = await context.topics.findVisible({ kafkaName: name })
      const answers = partitions.map((asked) => deleteIn(topic, asked, context))
      return { name, partitions: await Promise.all(answers) }
    })
  )
  return { topics }
}

async function deleteIn(
  topic: Topic | undefined,
  { partitionIndex, offset }: Asked,
  context: RequestContext
): Promise<Answer> {
  const refused = (errorCode: ErrorCode) => ({ partitionIndex, lowWatermark: none, errorCode })
  const queue = topic?.queues[partitionIndex]
  if (topic === undefined || queue === undefined)
    return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  const policies = listMembers(context.config.topicValue(topic, 'cleanup.policy'))
  if (policies.includes('compact') && !policies.includes('delete'))
    return refused(errorCodes.POLICY_VIOLATION)
  try {
    const lowWatermark = await moveLogStart(queue, offset, context)
    if (lowWatermark === undefined) return refused(errorCodes.OFFSET_OUT_OF_RANGE)
    return { partitionIndex, lowWatermark, errorCode: errorCodes.NONE }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'overloaded') context.overloaded()
    return refused(kafkaErrorOf[error.code])
  }
}

/** Where the log begins then; undefined for an offset that is beyond the end. */
async function moveLogStart(
  queue: QueueUid,
  wanted: number,
  { engine }: RequestContext
): Promise<number | undefined> {
  const { highWatermark } = await engine.ends(queue)
  const offset = wanted === toHighWatermark ? highWatermark : wanted
  if (offset < 0 || offset > highWatermark) return undefined
  await engine.commit({ changes: [{ op: 'move-log-start', queue, offset }] })
  return (await engine.ends(queue)).logStartOffset
}
