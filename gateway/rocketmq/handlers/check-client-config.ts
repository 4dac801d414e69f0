/** CHECK_CLIENT_CONFIG (46): asked by Java consumers whose filter is no tag, before they start. */
import { type Handler, refuse } from '../context.ts'
import { isFilterFault } from '../filter/message-filters.ts'
import type { checkClientConfigRequest } from '../headers/check-client-config.ts'
import { responseCodes } from '../response-codes.ts'

export const checkClientConfig: Handler<typeof checkClientConfigRequest> = (
  { body: { subscriptionData } },
  { filters }
) => {
  const { expressionType, subString } = subscriptionData
  const filter = filters.filterOf(expressionType, subString)
  if (!isFilterFault(filter)) return {}
  const isUnsupported = filter.fault === 'unsupported'
  const code = responseCodes[isUnsupported ? 'SYSTEM_ERROR' : 'SUBSCRIPTION_PARSE_FAILED']
  return refuse(code, filter.text)
}
