/**
 * AlterConfigs, versions 0 to 2. Replaces all settings that a topic has of its own: what is not named goes back to
 * its default (IncrementalAlterConfigs does not). The server's settings cannot be changed.
 */

import { changesAtOnceMax, mapLimited } from '../../broker/map-limited.ts'
import { findAlterableResource, resourceKey } from '../config-resources.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import { repeatsOf } from '../repeats.ts'
import type { AlterConfigsRequest, AlterConfigsResponseInput } from '../schemas/alter-configs.ts'
import { FaultError, faultOf } from '../topic-faults.ts'

type AskedResource = AlterConfigsRequest['resources'][number]
type Answer = AlterConfigsResponseInput['responses'][number]

export const alterConfigs: Handler<AlterConfigsRequest, AlterConfigsResponseInput> = async (
  request,
  context
) => {
  const { resources, validateOnly } = request
  const repeats = repeatsOf(resources.map(resourceKey))
  const responses = await mapLimited(resources, changesAtOnceMax, (resource) =>
    replace(resource, repeats.has(resourceKey(resource)), validateOnly, context)
  )
  return { responses }
}

async function replace(
  resource: AskedResource,
  isRepeated: boolean,
  checkOnly: boolean,
  context: RequestContext
): Promise<Answer> {
  const { resourceType, resourceName, configs } = resource
  try {
    if (isRepeated) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'The resource was named more than once.')
    }
    if (repeatsOf(configs.map((config) => config.name)).size > 0) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'A setting was named more than once.')
    }
    const valueless = configs.find((config) => config.value === null)
    if (valueless !== undefined) {
      throw new FaultError(errorCodes.INVALID_REQUEST, `There is no value for ${valueless.name}.`)
    }
    const topic = await findAlterableResource(resource, context)
    const replacement = Object.fromEntries(configs.map((config) => [config.name, config.value]))
    await context.topics.editConfig(topic.id, () => replacement, { checkOnly })
    return { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName }
  } catch (error) {
    return { ...faultOf(error, context), resourceType, resourceName }
  }
}
