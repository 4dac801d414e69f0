/** CHECK_CLIENT_CONFIG (46): asked by Java consumers whose filter is no tag, before they start. */

import { isTagExpression, noSuchFilter } from '../clients/subscription.ts'
import { type Handler, refuse } from '../context.ts'
import type { checkClientConfigRequest } from '../headers/check-client-config.ts'
import { responseCodes } from '../response-codes.ts'

export const checkClientConfig: Handler<typeof checkClientConfigRequest> = ({ body }) => {
  const { expressionType } = body.subscriptionData
  if (isTagExpression(expressionType)) return {}
  return refuse(responseCodes.SYSTEM_ERROR, noSuchFilter(expressionType))
}
