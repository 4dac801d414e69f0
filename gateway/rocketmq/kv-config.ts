/** The name server's table of texts by namespace and key (KVConfigManager): settings of the server, by names of their own. */
import type { Engine } from '../../storage/contract.ts'
import { StoreError } from '../../storage/errors.ts'
import { stateKeys } from '../../storage/state/rows.ts'

type Store = Pick<Engine, 'commit' | 'readState' | 'scanState'>

/** Of all namespaces together, each namespace counted too. */
export const kvConfigsMax = 10_000
/** Of one: namespace, key and text, UTF-8. */
export const kvConfigBytesMax = 32_768

const prefix = 'rocketmq-kv/'

/** Resolves when it is as durable as the flush mode has it. Rejects with StoreError (limit-reached, too-large). */
export async function putKvConfig(
  engine: Store,
  namespace: string,
  key: string,
  value: string
): Promise<void> {
  const bytes = Buffer.byteLength(namespace) + Buffer.byteLength(key) + Buffer.byteLength(value)
  if (bytes > kvConfigBytesMax) {
    throw new StoreError('too-large', `a KV config of ${bytes} bytes, not ${kvConfigBytesMax}`)
  }
  const name = nameOf(namespace, key)
  const isNew = (await engine.readState(stateKeys.setting(name), { settled: true })) === undefined
  if (isNew && (await allOf(engine, prefix)).size >= kvConfigsMax) {
    throw new StoreError('limit-reached', `${kvConfigsMax} KV configs are stored already`)
  }
  const rows = [{ name, value }]
  if (isNew) rows.push({ name: namespaceName(namespace), value: '' })
  await engine.commit({
    changes: rows.map((row) => ({ op: 'put', row: { family: 'setting', row } }))
  })
}

export async function getKvConfig(
  engine: Store,
  namespace: string,
  key: string
): Promise<string | undefined> {
  const name = nameOf(namespace, key)
  return (await engine.readState(stateKeys.setting(name), { settled: true }))?.row.value
}

/** What is not there is deleted already. */
export async function deleteKvConfig(engine: Store, namespace: string, key: string): Promise<void> {
  const stored = stateKeys.setting(nameOf(namespace, key))
  if ((await engine.readState(stored, { settled: true })) === undefined) return
  await engine.commit({ changes: [{ op: 'delete', key: stored }] })
}

/** All of a namespace, by key; undefined where nothing was ever put into it. */
export async function listKvConfigs(
  engine: Store,
  namespace: string
): Promise<Map<string, string> | undefined> {
  const name = namespaceName(namespace)
  const marker = await engine.readState(stateKeys.setting(name), { settled: true })
  return marker && allOf(engine, `${name}/`)
}

async function allOf(engine: Store, start: string): Promise<Map<string, string>> {
  const rows = await engine.scanState('setting')
  const found = rows.filter(({ name }) => name.startsWith(start))
  return new Map(
    found
      .map(({ name, value }) => [decodeURIComponent(name.slice(start.length)), value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  )
}

/** Of the row that says that the namespace was used; it stays when the last of its texts goes. */
function namespaceName(namespace: string): string {
  return prefix + escaped(namespace)
}

function nameOf(namespace: string, key: string): string {
  return `${namespaceName(namespace)}/${escaped(key)}`
}

/** Half characters, which no encoding has, are replaced first. */
function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}
