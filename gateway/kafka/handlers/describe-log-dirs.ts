/**
 * DescribeLogDirs, versions 1 to 4 (KIP-113, KIP-827): the one folder of the store, and the size of every partition:
 * bytes of its batches from the log start on. They share segments, so the disk may hold more than the sum.
 */
import type { Topic } from '../../../storage/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type {
  DescribeLogDirsRequest,
  DescribeLogDirsResponseInput
} from '../schemas/describe-log-dirs.ts'

type AnswerTopic = DescribeLogDirsResponseInput['results'][number]['topics'][number]

export const describeLogDirs: Handler<
  DescribeLogDirsRequest,
  DescribeLogDirsResponseInput
> = async (request, context) => {
  const topics: AnswerTopic[] = []
  for (const { topic, partitions } of await askedTopics(request, context)) {
    const described = await describe(topic, partitions, context)
    if (described.partitions.length > 0) topics.push(described)
  }
  const { diskBytes, freeBytes } = context.engine.stats()
  return {
    errorCode: errorCodes.NONE,
    results: [
      {
        errorCode: errorCodes.NONE,
        logDir: context.dataFolder,
        topics,
        totalBytes: diskBytes,
        usableBytes: freeBytes
      }
    ]
  }
}

interface AskedTopic {
  readonly topic: Topic
  readonly partitions: readonly number[]
}

/** Topics and partitions that there are; what is not there is left out, as Kafka does. */
async function askedTopics(
  { topics }: DescribeLogDirsRequest,
  context: RequestContext
): Promise<AskedTopic[]> {
  if (topics === null) {
    const all = await context.topics.list()
    return all.map((topic) => ({ topic, partitions: [...topic.queues.keys()] }))
  }
  const asked: AskedTopic[] = []
  for (const { topic: name, partitions } of topics) {
    const topic = await context.topics.findVisible({ kafkaName: name })
    if (topic !== undefined) asked.push({ topic, partitions: [...new Set(partitions)] })
  }
  return asked
}

async function describe(
  topic: Topic,
  partitions: readonly number[],
  { engine }: RequestContext
): Promise<AnswerTopic> {
  const there = partitions.filter((index) => topic.queues[index] !== undefined)
  const sizes = await engine.sizesOf(there.map((index) => topic.queues[index] as number))
  const described: AnswerTopic['partitions'][number][] = []
  for (const [i, partitionIndex] of there.entries()) {
    const partitionSize = sizes[i]
    if (partitionSize === undefined) continue
    described.push({ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false })
  }
  return { name: topic.names.kafka, partitions: described }
}
