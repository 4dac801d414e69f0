/** What the requests about settings have in common: resources, sources and types by Kafka's numbers. */
import type { Topic } from '../../storage/contract.ts'
import type { SettingSource } from '../broker/configs.ts'
import { isKafkaTopicName } from '../broker/names.ts'
import type { SettingKind } from '../broker/topic-config.ts'
import type { RequestContext } from './context.ts'
import { errorCodes } from './error-codes.ts'
import { FaultError } from './topic-faults.ts'

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

/** The topic whose settings may be changed. Throws FaultError for every other resource. */
export function findAlterableResource(
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
