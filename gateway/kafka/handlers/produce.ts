/**
 * Produce, versions 3 to 13 (0 to 2 are advertised for librdkafka's sake and close the connection). A topic is never
 * created here. Each partition is a commit of its own: all are started together and fail one by one; acks 1 and -1
 * mean the same, the answer leaves when the flush mode's promise holds. Transactions are not served: error 53. Batches
 * are stored as they came: compression.type is not applied, and a max timestamp in a header is taken for true.
 */
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import type { CommitResult, Topic } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { closeConnection, type Handler, noAnswer, type RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes, kafkaErrorOf } from '../error-codes.ts'
import type { ProduceRequest, ProduceResponseInput } from '../schemas/produce.ts'
import {
  type CheckedFor,
  checkBatch,
  hasTransactionalBatch,
  type Refusal
} from './produce-checks.ts'

/** The first version that names topics by id (KIP-516). */
const firstWithTopicIds = 13
/** Kafka's own topics; only its admin tools may write there. */
const internalTopics = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])
const adminClientId = '__admin_client'

/** What becomes the answer for a partition. */
interface PartitionAnswer {
  readonly index: number
  errorCode: ErrorCode
  baseOffset: number
  logAppendTimeMs: number
  logStartOffset: number
  errorMessage: string | null
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string | null }[]
}

/** A partition whose batch passed all checks. */
interface PartitionAppend {
  readonly answer: PartitionAnswer
  readonly queue: number
  readonly batch: RecordBatch
  readonly stampAppendTime: boolean
}

type TopicAnswer = ProduceResponseInput['responses'][number] & {
  readonly partitionResponses: PartitionAnswer[]
}

interface Plan {
  readonly responses: TopicAnswer[]
  readonly appends: PartitionAppend[]
}

export const produce: Handler<ProduceRequest, ProduceResponseInput> = async (request, context) => {
  const refusal = requestRefusal(request)
  if (refusal !== undefined) return finish(request, refuseAll(request, refusal).responses)
  const plan = await context.inTurn(prepare(request, context))
  if (plan.appends.length > 0) await appendAll(plan.appends, request, context)
  return finish(request, plan.responses)
}

function requestRefusal({ acks, transactionalId, topicData }: ProduceRequest): Refusal | undefined {
  if (acks < -1 || acks > 1) {
    return { errorCode: errorCodes.INVALID_REQUIRED_ACKS, text: `acks ${acks} is not -1, 0 or 1` }
  }
  const transactional =
    transactionalId !== null ||
    topicData.some(({ partitionData }) =>
      partitionData.some(({ records }) => records !== null && hasTransactionalBatch(records))
    )
  if (!transactional) return undefined
  return {
    errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    text: 'transactions are not served'
  }
}

/** With acks=0 nothing is sent; that something failed is told by closing, so that the client asks for metadata. */
function finish({ acks }: ProduceRequest, responses: readonly TopicAnswer[]) {
  if (acks !== 0) return { responses }
  const failed = responses.some(({ partitionResponses }) =>
    partitionResponses.some(({ errorCode }) => errorCode !== errorCodes.NONE)
  )
  return failed ? closeConnection : noAnswer
}

function refuseAll(request: ProduceRequest, refusal: Refusal): Plan {
  const responses: TopicAnswer[] = []
  for (const { name, topicId, partitionData } of request.topicData) {
    const partitionResponses = partitionData.map(({ index }) => answerFor(index, refusal))
    responses.push({ name, topicId, partitionResponses })
  }
  return { responses, appends: [] }
}

/** Looks the topics up and checks every batch; nothing is changed. */
async function prepare(request: ProduceRequest, context: RequestContext): Promise<Plan> {
  const { topicData } = request
  const topics = await findTopics(request, context)
  const plan: Plan = { responses: [], appends: [] }
  for (let i = 0; i < topicData.length; i++) {
    const data = topicData[i] as ProduceRequest['topicData'][number]
    const partitionResponses: PartitionAnswer[] = []
    plan.responses.push({ name: data.name, topicId: data.topicId, partitionResponses })
    const target = targetOf(topics[i], context)
    for (const { index, records } of data.partitionData) {
      const answer = answerFor(index)
      partitionResponses.push(answer)
      const queue = target.topic?.queues[index]
      if (target.topic === undefined || queue === undefined) {
        refuse(answer, target.topic === undefined ? target.missing : noPartition)
        continue
      }
      const checked = checkBatch(records, target.checkedFor)
      const batch = checked instanceof Promise ? await checked : checked
      if ('errorCode' in batch) refuse(answer, batch)
      else {
        const { stampAppendTime } = target.checkedFor
        plan.appends.push({ answer, queue, batch, stampAppendTime })
      }
    }
  }
  return plan
}

function findTopics(
  { topicData }: ProduceRequest,
  { topics, version }: RequestContext
): Promise<(Topic | undefined)[]> {
  return Promise.all(
    topicData.map(({ name, topicId }) =>
      version >= firstWithTopicIds ? topics.findById(topicId) : topics.findByName(name)
    )
  )
}

type Target =
  | { readonly topic: Topic; readonly checkedFor: CheckedFor }
  | { readonly topic: undefined; readonly missing: Refusal }

const noPartition: Refusal = {
  errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  text: 'there is no such topic or partition'
}
const noTopicId: Refusal = {
  errorCode: errorCodes.UNKNOWN_TOPIC_ID,
  text: 'there is no topic with that id'
}

function targetOf(topic: Topic | undefined, context: RequestContext): Target {
  const { version, config, clock, client } = context
  if (topic === undefined) {
    const missing = version >= firstWithTopicIds ? noTopicId : noPartition
    return { topic, missing }
  }
  const closed =
    topic.system || (internalTopics.has(topic.names.kafka) && client.id !== adminClientId)
  const settings = config.appendSettings(topic)
  const checkedFor: CheckedFor = {
    version,
    closed,
    settings,
    stampAppendTime: settings.isAppendTimeUsed,
    nowMs: clock.now()
  }
  return { topic, checkedFor }
}

function answerFor(index: number, refusal?: Refusal): PartitionAnswer {
  const answer: PartitionAnswer = {
    index,
    errorCode: errorCodes.NONE,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    errorMessage: null,
    recordErrors: []
  }
  if (refusal !== undefined) refuse(answer, refusal)
  return answer
}

function refuse(answer: PartitionAnswer, refusal: Refusal): void {
  answer.errorCode = refusal.errorCode
  answer.errorMessage = refusal.text
  for (const index of refusal.badRecords ?? [])
    answer.recordErrors.push({ batchIndex: index, batchIndexErrorMessage: refusal.text })
}

/** Starts all commits and resolves when all have ended or the request's time is over. */
function appendAll(
  appends: readonly PartitionAppend[],
  request: ProduceRequest,
  context: RequestContext
): Promise<void> {
  const { engine, clock, limits } = context
  return new Promise((resolve, reject) => {
    let open = appends.length
    let over = false
    const end = () => {
      over = true
      timer?.cancel()
      resolve()
    }
    const waitMs = Math.max(request.timeoutMs, limits.produceWaitMsMin)
    const timer =
      request.acks === -1
        ? clock.after(waitMs, () => {
            for (const { answer } of appends) if (answer.baseOffset < 0) timeOut(answer)
            end()
          })
        : undefined
    for (const append of appends) {
      const { queue, batch, stampAppendTime } = append
      const part = { queue, batches: [batch], origin: 'kafka', stampAppendTime } as const
      engine.commit({ appends: [part] }).then(
        (result) => {
          if (over) return
          succeed(append, result)
          if (--open === 0) end()
        },
        (error) => {
          if (over) return
          if (!(error instanceof StoreError)) return reject(error)
          fail(append, error, context)
          if (--open === 0) end()
        }
      )
    }
  })
}

function succeed({ answer, stampAppendTime }: PartitionAppend, result: CommitResult): void {
  const appended = result.appends[0]
  if (appended === undefined) throw new Error('a commit with an append came back without one')
  answer.baseOffset = appended.baseOffset
  answer.logStartOffset = appended.logStartOffset
  if (stampAppendTime) answer.logAppendTimeMs = appended.appendTimeMs
}

function fail({ answer }: PartitionAppend, error: StoreError, context: RequestContext): void {
  answer.errorCode = kafkaErrorOf[error.code]
  answer.errorMessage = error.message
  if (error.code === 'overloaded') context.overloaded()
  const gone = error.code === 'queue-gone' || error.code === 'topic-gone'
  if (gone) refuse(answer, context.version >= firstWithTopicIds ? noTopicId : noPartition)
}

function timeOut(answer: PartitionAnswer): void {
  if (answer.errorCode !== errorCodes.NONE) return
  answer.errorCode = errorCodes.REQUEST_TIMED_OUT
  answer.errorMessage = 'not durable in time; it may still be stored'
}
