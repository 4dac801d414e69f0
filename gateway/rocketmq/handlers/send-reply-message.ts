/**
 * SEND_REPLY_MESSAGE (324), SEND_REPLY_MESSAGE_V2 (325): the reply to a request message, for the one client that waits
 * for it (ReplyMessageProcessor). It is given to that client on its own connection, and the answer says whether the
 * client took it; the reply is kept in the topic of replies either way.
 */
import { StoreError } from '../../../storage/errors.ts'
import {
  editProperties,
  encodeOffsetId,
  hostOf,
  isMessageFault,
  noHost,
  physicalOffsetOf,
  propertyOf,
  recordOfMessage,
  regionName,
  traceSwitchName
} from '../../broker/translate/index.ts'
import { PushError } from '../client-connection.ts'
import { type Asked, type Handler, type RequestContext, refuse } from '../context.ts'
import { pushReplyMessageToClientRequest } from '../headers/push-reply-message-to-client.ts'
import type { sendReplyMessageRequest, sendReplyMessageV2Request } from '../headers/send-message.ts'
import { responseCodes } from '../response-codes.ts'
import {
  chooseQueue,
  isRefused,
  refusedFields,
  refuseSend,
  region,
  sentHeader
} from '../sent-messages.ts'
import { advertisedBroker, endpointText, storeHost } from '../this-broker.ts'
import { topicOf } from './send-message.ts'

type Replying = Asked<typeof sendReplyMessageRequest>

export const sendReplyMessage: Handler<typeof sendReplyMessageRequest> = (asked, context) =>
  reply(asked, context)

export const sendReplyMessageV2: Handler<typeof sendReplyMessageV2Request> = (asked, context) =>
  reply(asked, context)

/** MessageConst */
const replyToClientName = 'REPLY_TO_CLIENT'
const pushReplyTimeName = 'PUSH_REPLY_TIME'

async function reply(asked: Replying, context: RequestContext) {
  const { header, body } = asked
  const topic = await topicOf(asked, false, context)
  if (isRefused(topic)) return topic
  const queueId = chooseQueue(topic, header.queueId, context)
  if (typeof queueId !== 'number') return queueId
  const { bodyBytesMax } = context.limits
  if (body.length > bodyBytesMax) {
    const remark = `the message is illegal: a body of ${body.length} bytes, allowed are ${bodyBytesMax}`
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
  }
  const sent = Buffer.from(header.properties)
  const properties = editProperties(sent, [regionName, traceSwitchName], brokerMarks)
  const queue = topic.queues[queueId] as number
  const [fault, stored] = await Promise.all([
    pushToAsker(asked, properties, context),
    keep(asked, properties, queue, context)
  ])
  const place = { ...stored, queueId }
  if (fault === undefined) return { header: sentHeader(place) }
  const fields = {
    ...refusedFields,
    msgId: place.msgId,
    queueId: `${queueId}`,
    queueOffset: `${place.queueOffset}`
  }
  return refuse(responseCodes.SYSTEM_ERROR, fault, fields)
}

const brokerMarks = [
  [regionName, region],
  [traceSwitchName, 'true']
] as const

/** Gives the reply to the client that its properties name; returns why that could not be done. */
async function pushToAsker(
  { header, body }: Replying,
  properties: Buffer,
  context: RequestContext
): Promise<string | undefined> {
  const { client, clients, clock, limits } = context
  const asker = propertyOf(properties, replyToClientName)
  if (asker === undefined) return `reply message properties[${replyToClientName}] is null`
  const connection = clients.producerOf(asker)
  if (connection === undefined) {
    return `push reply message fail, channel of <${asker}> not found.`
  }
  const nowMs = clock.now()
  const stamped = editProperties(properties, [pushReplyTimeName], [[pushReplyTimeName, `${nowMs}`]])
  const { batch: _, maxReconsumeTimes: __, brokerName: ___, ...fields } = header
  const pushed = {
    ...fields,
    properties: stamped.toString(),
    bornHost: endpointText(client),
    storeHost: endpointText(advertisedBroker(context)),
    storeTimestamp: nowMs
  }
  try {
    const request = pushReplyMessageToClientRequest
    const ask = { header: pushed, body: [body] }
    const { code } = await connection.ask(request, ask, limits.clientAnswerMsMax)
    if (code === responseCodes.SUCCESS) return undefined
  } catch (error) {
    if (!(error instanceof PushError)) throw error
  }
  // As a real broker says it.
  return `push reply message to ${asker}fail.`
}

/** Appends the reply to its topic; where it is. A reply that was given and cannot be kept is a reply all the same. */
async function keep(
  { header, body }: Replying,
  properties: Buffer,
  queue: number,
  context: RequestContext
): Promise<{ msgId: string; queueOffset: number }> {
  const { client, engine, log } = context
  const record = recordOfMessage({
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestampMs: header.bornTimestamp,
    bornHost: hostOf(client.host, client.port) ?? noHost,
    reconsumeTimes: header.reconsumeTimes,
    preparedOffset: 0n,
    properties,
    body
  })
  const idOf = (offset: number) =>
    encodeOffsetId(storeHost(context), physicalOffsetOf(queue, offset))
  const nowhere = { msgId: idOf(0), queueOffset: 0 }
  const notKept = (reason: string) => {
    log('warn', 'reply-not-kept', { topic: header.topic, reason })
    return nowhere
  }
  if (isMessageFault(record)) return notKept(record.text)
  try {
    const append = { queue, records: [record], origin: 'rocketmq' } as const
    const { appends } = await engine.commit({ appends: [append] })
    const queueOffset = appends[0]?.baseOffset ?? 0
    return { msgId: idOf(queueOffset), queueOffset }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return notKept(error.message)
  }
}
