/** GET_KVLIST_BY_NAMESPACE (219). */
import { type Handler, refuse } from '../context.ts'
import type { getKvlistByNamespaceRequest } from '../headers/get-kvlist-by-namespace.ts'
import { listKvConfigs } from '../kv-config.ts'
import { responseCodes } from '../response-codes.ts'

export const getKvlistByNamespace: Handler<typeof getKvlistByNamespaceRequest> = async (
  { header: { namespace } },
  { engine }
) => {
  const table = await listKvConfigs(engine, namespace)
  if (table !== undefined) return { body: { table } }
  return refuse(responseCodes.QUERY_NOT_FOUND, `No config item, Namespace: ${namespace}`)
}
