/** VIEW_MESSAGE_BY_ID (33): the message at a place in the log, as message ids have it. */
import { type Handler, refuse } from '../context.ts'
import type { viewMessageByIdRequest } from '../headers/view-message-by-id.ts'
import { messageAt } from '../message-at.ts'
import { messageForClient } from '../message-for-client.ts'
import { responseCodes } from '../response-codes.ts'

export const viewMessageById: Handler<typeof viewMessageByIdRequest> = async (
  { header: { offset } },
  context
) => {
  const placed = await messageAt(offset, context)
  if (placed !== undefined && !placed.message.isTooLarge) {
    return { body: messageForClient(placed, context) }
  }
  return refuse(responseCodes.SYSTEM_ERROR, `can not find message by the offset, ${offset}`)
}
