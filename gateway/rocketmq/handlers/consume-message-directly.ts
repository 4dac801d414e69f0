/** CONSUME_MESSAGE_DIRECTLY (309): a stored message is given to the consumer that is named, whose answer it is. */
import { decodeOffsetId } from '../../broker/translate/index.ts'
import { askConsumer } from '../asked-consumer.ts'
import { type Handler, refuse } from '../context.ts'
import { groupSettingsOf } from '../group-settings.ts'
import { consumeMessageDirectlyRequest } from '../headers/consume-message-directly.ts'
import { messageAt } from '../message-at.ts'
import { messageForClient } from '../message-for-client.ts'
import { responseCodes } from '../response-codes.ts'

export const consumeMessageDirectly: Handler<typeof consumeMessageDirectlyRequest> = async (
  { header },
  context
) => {
  const { consumerGroup, clientId = '', msgId = '' } = header
  const id = decodeOffsetId(msgId)
  if (id === undefined) {
    return refuse(responseCodes.INVALID_PARAMETER, `'${msgId}' is no id of a place in the log`)
  }
  const placed = await messageAt(id.physicalOffset, context)
  if (placed === undefined || placed.message.isTooLarge) {
    const remark = `can not find message by the offset, ${id.physicalOffset}`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const { groupSysFlag } = groupSettingsOf(consumerGroup, context)
  const pushed = {
    header: { ...header, brokerName: context.brokerName, topicSysFlag: 0, groupSysFlag },
    body: messageForClient(placed, context)
  }
  return askConsumer(consumerGroup, clientId, consumeMessageDirectlyRequest, pushed, context)
}
