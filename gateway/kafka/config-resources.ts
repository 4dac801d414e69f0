/** What the requests about settings have in common: resources, sources and types by Kafka's numbers. */
import type { Topic } from '../../storage/contract.ts'
import type { SettingSource } from '../broker/configs.ts'
import { changesAtOnceMax, mapLimited } from '../broker/map-limited.ts'
import { isKafkaTopicName } from '../broker/names.ts'
import type { SettingKind } from '../broker/topic-config.ts'
import type { ConfigEdit } from '../broker/topics.ts'
import type { RequestContext } from './context.ts'
import { errorCodes } from './error-codes.ts'
import { repeatsOf } from './repeats.ts'
import { FaultError, faultOf } from './topic-faults.ts'

/** ConfigResource.Type. */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32
} as const

/** DescribeConfigsResponse.ConfigSource. */
export const configSourceOf = {
  topic: 1,
  server: 4,
  default: 5
} as const satisfies Record<SettingSource, number>

/** DescribeConfigsResponse.ConfigType. */
export const configTypeOf = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7
} as const satisfies Record<SettingKind, number>

/** Names a resource within one request. */
export function resourceKey(resource: { resourceType: number; resourceName: string }): string {
  return `${resource.resourceType}/${resource.resourceName}`
}

/** Throws FaultError where there is none. */
export async function findTopicResource(name: string, context: RequestContext): Promise<Topic> {
  if (!isKafkaTopicName(name)) {
    throw new FaultError(errorCodes.INVALID_TOPIC_EXCEPTION, `'${name}' is no name of a topic.`)
  }
  const topic = await context.topics.findVisible({ kafkaName: name })
  if (topic === undefined) {
    throw new FaultError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
  }
  return topic
}

/** A resource, and what becomes of its settings. */
export interface AlteredResource {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string }[]
}

/** What became of one. */
export interface AlteredAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/**
 * Edits the settings of each resource, all of one or none; a resource or a setting that is named twice is refused.
 * `editOf` throws FaultError for what it refuses, before or within the edit.
 */
export async function alterResources<Resource extends AlteredResource>(
  { resources, validateOnly: checkOnly }: { resources: readonly Resource[]; validateOnly: boolean },
  context: RequestContext,
  editOf: (resource: Resource) => (topic: Topic) => ConfigEdit
): Promise<AlteredAnswer[]> {
  const repeats = repeatsOf(resources.map(resourceKey))
  const alter = async (resource: Resource): Promise<AlteredAnswer> => {
    const { resourceType, resourceName, configs } = resource
    try {
      if (repeats.has(resourceKey(resource)))
        throw new FaultError(errorCodes.INVALID_REQUEST, 'The resource was named more than once.')
      if (repeatsOf(configs.map(({ name }) => name)).size > 0)
        throw new FaultError(errorCodes.INVALID_REQUEST, 'A setting was named more than once.')
      const edit = editOf(resource)
      const topic = await findAlterableResource(resource, context)
      await context.topics.editConfig(topic.id, edit(topic), { checkOnly })
      return { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName }
    } catch (error) {
      return { ...faultOf(error, context), resourceType, resourceName }
    }
  }
  return await mapLimited(resources, changesAtOnceMax, alter)
}

/** The topic whose settings may be changed. Throws FaultError for every other resource. */
function findAlterableResource(
  resource: { resourceType: number; resourceName: string },
  context: RequestContext
): Promise<Topic> {
  switch (resource.resourceType) {
    case resourceTypes.topic:
      return findTopicResource(resource.resourceName, context)
    case resourceTypes.broker:
      throw new FaultError(
        errorCodes.INVALID_REQUEST,
        "The server's settings come from its configuration and cannot be changed while it runs."
      )
    default:
      throw new FaultError(
        errorCodes.INVALID_REQUEST,
        `Resources of type ${resource.resourceType} have no settings that can be changed.`
      )
  }
}
