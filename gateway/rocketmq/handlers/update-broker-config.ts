/** UPDATE_BROKER_CONFIG (25): what would change nothing succeeds, the rest is refused and told how it is set. */
import type { Handler } from '../context.ts'
import type { updateBrokerConfigRequest } from '../headers/update-broker-config.ts'
import { brokerSettings, refusalOfChange } from '../told-settings.ts'

export const updateBrokerConfig: Handler<typeof updateBrokerConfigRequest> = ({ body }, context) =>
  refusalOfChange(body, brokerSettings(context)) ?? {}
