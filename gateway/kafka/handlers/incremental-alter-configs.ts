/**
 * IncrementalAlterConfigs, versions 0 and 1 (KIP-339). Settings of topics can be changed, those of the server
 * cannot. Of a resource all changes are made or none. Appending and subtracting, to and from the value in force, is
 * for lists only.
 */

import { listMembers } from '../../broker/setting-values.ts'
import { isTopicSettingName, topicSettingRule } from '../../broker/topic-config.ts'
import { alterResources } from '../config-resources.ts'
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponseInput
} from '../schemas/incremental-alter-configs.ts'
import { FaultError } from '../topic-faults.ts'

type AskedChange = IncrementalAlterConfigsRequest['resources'][number]['configs'][number]

/** AlterConfigOp.OpType. */
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export const incrementalAlterConfigs: Handler<
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponseInput
> = async (request, context) => ({
  responses: await alterResources(request, context, ({ configs }) => (topic) => (before) => {
    const edited: Record<string, string | null> = { ...before }
    for (const change of configs) {
      const { name } = change
      const inForce = () => before[name] ?? context.config.topicValue(topic, name)
      if (change.configOperation === operations.delete) delete edited[name]
      else edited[name] = valueAfter(change, inForce)
    }
    return edited
  })
})

function valueAfter(change: AskedChange, inForce: () => string): string {
  const { name, configOperation, value } = change
  if (value === null) {
    throw new FaultError(errorCodes.INVALID_REQUEST, `There is no value for ${name}.`)
  }
  switch (configOperation) {
    case operations.set:
      return value
    case operations.append: {
      checkList(name)
      const members = listMembers(inForce())
      const added = listMembers(value).filter((member) => !members.includes(member))
      return [...members, ...added].join(',')
    }
    case operations.subtract: {
      checkList(name)
      const removed = new Set(listMembers(value))
      return listMembers(inForce())
        .filter((member) => !removed.has(member))
        .join(',')
    }
    default:
      throw new FaultError(
        errorCodes.INVALID_REQUEST,
        `There is no operation ${configOperation} on settings.`
      )
  }
}

function checkList(name: string): void {
  if (isTopicSettingName(name) && topicSettingRule(name).kind === 'list') return
  throw new FaultError(
    errorCodes.INVALID_CONFIG,
    `${name} is no list to append to or subtract from.`
  )
}
