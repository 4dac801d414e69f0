/**
 * AlterConfigs, versions 0 to 2. Replaces all settings that a topic has of its own: what is not named goes back to
 * its default (IncrementalAlterConfigs does not). The server's settings cannot be changed.
 */
import { alterResources } from '../config-resources.ts'
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { AlterConfigsRequest, AlterConfigsResponseInput } from '../schemas/alter-configs.ts'
import { FaultError } from '../topic-faults.ts'

export const alterConfigs: Handler<AlterConfigsRequest, AlterConfigsResponseInput> = async (
  request,
  context
) => ({
  responses: await alterResources(request, context, ({ configs }) => {
    const valueless = configs.find((config) => config.value === null)
    if (valueless !== undefined)
      throw new FaultError(errorCodes.INVALID_REQUEST, `There is no value for ${valueless.name}.`)
    const replacement = Object.fromEntries(configs.map((config) => [config.name, config.value]))
    return () => () => replacement
  })
})
