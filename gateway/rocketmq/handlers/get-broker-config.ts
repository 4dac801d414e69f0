/** GET_BROKER_CONFIG (26) */
import { dataVersion } from '../bodies/data-version.ts'
import type { Handler } from '../context.ts'
import type { getBrokerConfigRequest } from '../headers/get-broker-config.ts'
import { brokerSettings, propertiesOf } from '../told-settings.ts'

/** Settings never change, so there is one version of them. */
const version = dataVersion.toJson({ counter: 0, stateVersion: 0, timestamp: 0 })

export const getBrokerConfig: Handler<typeof getBrokerConfigRequest> = (_, context) => ({
  header: { version },
  body: propertiesOf(brokerSettings(context))
})
