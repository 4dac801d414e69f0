/** Sent messages on their way to the store: what is refused of them, what a broker changes, and what they become. */
import type { PackedRecord, Topic } from '../../storage/contract.ts'
import {
  type BrokerMarks,
  editSentProperties,
  hostOf,
  isMessageFault,
  type Message,
  noHost,
  preparedFlag,
  propertyOf,
  recordOfMessage,
  transactionMask
} from '../broker/translate/index.ts'
import { type Refused, type RequestContext, refuse } from './context.ts'
import { responseCodes } from './response-codes.ts'
import { preparedName } from './transactions/half-message.ts'

/** RocketMQ's regionId by default. */
export const region = 'DefaultRegion'
/** Told with every refused send, as a real broker does. */
export const refusedFields = { MSG_REGION: region, TRACE_ON: 'true' } as const

/** What a send that was taken is answered with (SendMessageResponseHeader), besides where the message is. */
export function sentHeader<Place extends { readonly msgId: string; readonly queueOffset: number }>(
  place: Place
) {
  return { ...place, regionId: region, traceOn: true }
}

/** One as its client gives it, alone or in a batch. */
export interface SentMessage {
  readonly flag: number
  readonly sysFlag: number
  readonly bornTimestamp: number
  readonly reconsumeTimes: number
  readonly properties: Buffer
  readonly body: Buffer
}

export interface AcceptedMessage {
  /** As it is stored. */
  readonly message: Message
  readonly record: PackedRecord
  readonly uniqueKey: string
}

export function refuseSend(code: Parameters<typeof refuse>[0], remark: string): Refused {
  return refuse(code, remark, refusedFields)
}

export function isRefused<T extends object>(value: T | Refused): value is Refused {
  return 'refused' in value
}

export function acceptMessage(
  sent: SentMessage,
  marks: BrokerMarks,
  { client, random }: RequestContext
): AcceptedMessage | Refused {
  const later = notYet(sent)
  if (later !== undefined) return later
  const newKey = () => random.uuid().toString('hex').toUpperCase()
  const { properties, uniqueKey } = editSentProperties(sent.properties, marks, newKey)
  const message: Message = {
    flag: sent.flag,
    sysFlag: sent.sysFlag,
    bornTimestampMs: sent.bornTimestamp,
    bornHost: hostOf(client.host, client.port) ?? noHost,
    reconsumeTimes: sent.reconsumeTimes,
    preparedOffset: 0n,
    properties,
    body: sent.body
  }
  const record = recordOfMessage(message)
  if (isMessageFault(record)) {
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, `the message is illegal: ${record.text}`)
  }
  return { message, record, uniqueKey }
}

/** What is not served is refused: as no transaction it would be wrong. */
function notYet({ sysFlag, properties }: SentMessage): Refused | undefined {
  const isPrepared = (sysFlag & transactionMask) === preparedFlag
  // A real broker would store it where nobody ever sees it.
  if (isPrepared && propertyOf(properties, preparedName)?.toLowerCase() !== 'true') {
    const remark = `the message is illegal: prepared for a transaction without ${preparedName}`
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
  }
  return undefined
}

/** The number of the queue to send to; below 0 any will do. */
export function chooseQueue(
  topic: Topic,
  queueId: number,
  { random }: RequestContext
): number | Refused {
  const { readQueues, writeQueues } = topic
  if (queueId >= Math.max(readQueues, writeQueues)) {
    const remark =
      `request queueId[${queueId}] is illegal, topic [${topic.names.rocketmq}] ` +
      `has readQueueNums=${readQueues}, writeQueueNums=${writeQueues}`
    return refuseSend(responseCodes.INVALID_PARAMETER, remark)
  }
  if (queueId >= 0) return queueId
  return writeQueues > 0
    ? random.uuid().readUInt32BE(0) % writeQueues
    : refuseSend(responseCodes.NO_PERMISSION, `topic[${topic.names.rocketmq}] has no write queue`)
}
