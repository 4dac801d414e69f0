/** GET_NAMESRV_CONFIG (319) */
import type { Handler } from '../context.ts'
import type { getNamesrvConfigRequest } from '../headers/get-namesrv-config.ts'
import { namesrvSettings, propertiesOf } from '../told-settings.ts'

export const getNamesrvConfig: Handler<typeof getNamesrvConfigRequest> = (_, context) => ({
  body: propertiesOf(namesrvSettings(context))
})
