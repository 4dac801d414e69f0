/** GET_BROKER_RUNTIME_INFO (28) */
import type { Handler } from '../context.ts'
import type { getBrokerRuntimeInfoRequest } from '../headers/get-broker-runtime-info.ts'
import { runtimeFigures } from '../runtime-figures.ts'

export const getBrokerRuntimeInfo: Handler<typeof getBrokerRuntimeInfoRequest> = async (
  _,
  context
) => ({ body: { table: await runtimeFigures(context) } })
