/** GET_KV_CONFIG (101). */
import { type Handler, refuse } from '../context.ts'
import type { getKvConfigRequest } from '../headers/get-kv-config.ts'
import { getKvConfig as getKv } from '../kv-config.ts'
import { responseCodes } from '../response-codes.ts'

export const getKvConfig: Handler<typeof getKvConfigRequest> = async (
  { header: { namespace, key } },
  { engine }
) => {
  const value = await getKv(engine, namespace, key)
  if (value !== undefined) return { header: { value } }
  const remark = `No config item, Namespace: ${namespace} Key: ${key}`
  return refuse(responseCodes.QUERY_NOT_FOUND, remark)
}
