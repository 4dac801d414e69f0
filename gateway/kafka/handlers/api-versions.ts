/**
 * ApiVersions, versions 0 to 4. What is told are the rows of routes.ts. No features yet: a client then uses what the
 * versions alone allow. A version above ours never gets here: dispatch answers it (KIP-511).
 */

import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { ApiVersionsRequest, ApiVersionsResponseInput } from '../schemas/api-versions.ts'

/** KIP-511. */
const softwareText = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
/** The first version with a client's software name and version. */
const firstWithSoftware = 3

export const apiVersions: Handler<ApiVersionsRequest, ApiVersionsResponseInput> = (
  request,
  context
) => {
  if (context.version >= firstWithSoftware) {
    const { clientSoftwareName: name, clientSoftwareVersion: version } = request
    if (!softwareText.test(name) || !softwareText.test(version))
      return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] }
    context.introduce(name, version)
  }
  return { errorCode: errorCodes.NONE, apiKeys: context.apis }
}
