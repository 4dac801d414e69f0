import { readdirSync } from 'node:fs'
import type { AnyRequest } from '../../gateway/rocketmq/codec/index.ts'
import { requestCodes } from '../../gateway/rocketmq/request-codes.ts'

/** A declared request, and where. */
export interface Declared {
  /** RocketMQ's name of the code. */
  readonly name: string
  readonly request: AnyRequest
  readonly file: string
  /** The name that it is exported by. */
  readonly exported: string
}

const folder = new URL('../../gateway/rocketmq/headers/', import.meta.url)
const namesByCode = new Map<number, string>(
  Object.entries(requestCodes).map(([name, code]) => [code, name])
)

/** Every request that gateway/rocketmq/headers exports. */
export async function declaredRequests(): Promise<Declared[]> {
  const declared: Declared[] = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>
    for (const [exported, value] of Object.entries(module)) {
      if (!exported.endsWith('Request')) continue
      const request = value as AnyRequest
      declared.push({ name: namesByCode.get(request.code) ?? '', request, file, exported })
    }
  }
  return declared
}

/** SEND_MESSAGE_V2 as sendMessageV2. */
export function camelCaseOf(name: string): string {
  return name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
