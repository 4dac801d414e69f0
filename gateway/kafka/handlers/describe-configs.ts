/**
 * DescribeConfigs, versions 1 to 4. Topics: Kafka's settings, each with its value in force, where that comes from,
 * and what it does here. The broker: the defaults of topics and what tools read of a broker, all read-only. Broker
 * loggers, client metrics and groups have no settings here: an empty list. Nothing is sensitive. No names, or an
 * empty list of them, ask for all.
 */
import type { DescribedSetting } from '../../broker/configs.ts'
import {
  configSourceOf,
  configTypeOf,
  findTopicResource,
  resourceTypes
} from '../config-resources.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type {
  DescribeConfigsRequest,
  DescribeConfigsResponseInput
} from '../schemas/describe-configs.ts'
import { serverSettings } from '../server-settings.ts'
import { advertisedEndpoint } from '../this-node.ts'
import { FaultError, faultOf } from '../topic-faults.ts'

type AskedResource = DescribeConfigsRequest['resources'][number]
type Answer = DescribeConfigsResponseInput['results'][number]
type Entry = Answer['configs'][number]

export const describeConfigs: Handler<
  DescribeConfigsRequest,
  DescribeConfigsResponseInput
> = async (request, context) => {
  const results: Answer[] = []
  for (const resource of request.resources) {
    results.push(await describeOne(resource, request, context))
  }
  return { results }
}

async function describeOne(
  resource: AskedResource,
  request: DescribeConfigsRequest,
  context: RequestContext
): Promise<Answer> {
  const { resourceType, resourceName, configurationKeys } = resource
  try {
    const settings = await settingsOf(resource, context)
    const wanted = new Set(configurationKeys)
    const isReadOnly = resourceType !== resourceTypes.topic
    return {
      errorCode: errorCodes.NONE,
      errorMessage: '',
      resourceType,
      resourceName,
      configs: settings
        .filter((setting) => wanted.size === 0 || wanted.has(setting.name))
        .map((setting) => entryOf(setting, isReadOnly, request))
    }
  } catch (error) {
    return { ...faultOf(error, context), resourceType, resourceName, configs: [] }
  }
}

async function settingsOf(
  { resourceType, resourceName }: AskedResource,
  context: RequestContext
): Promise<readonly DescribedSetting[]> {
  switch (resourceType) {
    case resourceTypes.topic: {
      const topic = await findTopicResource(resourceName, context)
      return context.config.describeTopicConfig(topic.config)
    }
    case resourceTypes.broker:
      return brokerSettings(resourceName, context)
    case resourceTypes.brokerLogger:
    case resourceTypes.clientMetrics:
    case resourceTypes.group:
      return []
    default:
      throw new FaultError(
        errorCodes.INVALID_REQUEST,
        `There are no resources of type ${resourceType}.`
      )
  }
}

function brokerSettings(name: string, context: RequestContext): readonly DescribedSetting[] {
  // No name asks for what was set for all brokers while they ran: nothing.
  if (name === '') return []
  if (name !== `${context.nodeId}`) {
    throw new FaultError(
      errorCodes.INVALID_REQUEST,
      `There is no broker '${name}', only ${context.nodeId}.`
    )
  }
  const { host, port } = advertisedEndpoint(context)
  const { localAddress, localPort } = context.client
  const own = serverSettings({
    nodeId: context.nodeId,
    autoCreateTopics: context.topics.policy.autoCreate,
    defaultQueueCount: context.topics.policy.defaultQueueCount,
    maxReadBytes: context.limits.fetchBytesMax,
    groups: context.groups.coordinator.settings,
    listener: hostAndPort(localAddress, localPort),
    advertisedListener: hostAndPort(host, port)
  }).map((setting): DescribedSetting => {
    const { name, value, kind, documentation } = setting
    const origin = { name, value, source: setting.isConfigured ? 'server' : 'default' } as const
    return { ...origin, kind, documentation, origins: [origin] }
  })
  return [...context.config.describeDefaults(), ...own].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function entryOf(
  setting: DescribedSetting,
  readOnly: boolean,
  request: DescribeConfigsRequest
): Entry {
  return {
    name: setting.name,
    value: setting.value,
    readOnly,
    configSource: configSourceOf[setting.source],
    isSensitive: false,
    synonyms: request.includeSynonyms
      ? setting.origins.map(({ name, value, source }) => ({
          name,
          value,
          source: configSourceOf[source]
        }))
      : [],
    configType: configTypeOf[setting.kind],
    documentation: request.includeDocumentation ? setting.documentation : null
  }
}
