/** DELETE_KV_CONFIG (102). */
import type { Handler } from '../context.ts'
import type { deleteKvConfigRequest } from '../headers/delete-kv-config.ts'
import { deleteKvConfig as deleteKv } from '../kv-config.ts'

export const deleteKvConfig: Handler<typeof deleteKvConfigRequest> = async (
  { header: { namespace, key } },
  { engine }
) => {
  await deleteKv(engine, namespace, key)
  return {}
}
