/** UPDATE_NAMESRV_CONFIG (318): as for the broker's settings. */
import type { Handler } from '../context.ts'
import type { updateNamesrvConfigRequest } from '../headers/update-namesrv-config.ts'
import { namesrvSettings, refusalOfChange } from '../told-settings.ts'

export const updateNamesrvConfig: Handler<typeof updateNamesrvConfigRequest> = (
  { body },
  context
) => refusalOfChange(body, namesrvSettings(context)) ?? {}
