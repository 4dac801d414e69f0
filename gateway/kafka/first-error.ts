/** Which error a response reports, for metrics: found along paths that are taken from its declaration once. */
import type { AnyMessage, Fields } from './codec/index.ts'

/** Returns the first error code that is not 0, outermost first; 0 if there is none. */
export type FindError = (body: unknown) => number

type Struct = { readonly [name: string]: unknown }

const noError: FindError = () => 0

/** Errors deeper than this are not looked for: no response nests them so. */
const depthMax = 4

export function errorFinder(response: AnyMessage): FindError {
  const { fields } = response.body.shape
  return fields === null ? noError : finderIn(fields, depthMax)
}

function finderIn(fields: Fields, depth: number): FindError {
  const own = 'errorCode' in fields
  const nested: { readonly name: string; readonly find: FindError }[] = []
  for (const [name, { shape }] of Object.entries(fields)) {
    const inner = shape.kind === 'array' ? shape.element?.shape.fields : undefined
    if (!inner || depth === 0) continue
    const find = finderIn(inner, depth - 1)
    if (find !== noError) nested.push({ name, find })
  }
  if (!own && nested.length === 0) return noError
  return (body) => {
    const struct = body as Struct
    if (own && struct.errorCode !== 0 && struct.errorCode !== undefined) {
      return struct.errorCode as number
    }
    for (const { name, find } of nested) {
      const elements = (struct[name] ?? []) as readonly unknown[]
      for (const element of elements) {
        const error = find(element)
        if (error !== 0) return error
      }
    }
    return 0
  }
}
