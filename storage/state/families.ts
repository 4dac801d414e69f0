import { LayoutError } from '../layout/layout-error.ts'
import type { StoredFamily } from './stored-rows.ts'

/** One byte for each family, on disk: do not change them, add new ones. 1 to 15 callers' families, 16 and up ours. */
export const familyCodes = {
  'committed-offset': 1,
  group: 2,
  'log-start': 3,
  'queue-epochs': 4,
  setting: 5,
  timer: 6,
  topic: 16,
  queue: 17,
  segment: 18,
  producer: 19,
  counters: 20
} as const satisfies Record<StoredFamily, number>

const families = new Map<number, StoredFamily>()
for (const [family, code] of Object.entries(familyCodes)) families.set(code, family as StoredFamily)

/** Throws LayoutError 'unsupported' for a code that this version does not know. */
export function familyOf(code: number): StoredFamily {
  const family = families.get(code)
  if (family === undefined) throw new LayoutError('unsupported', `row family ${code} is not known`)
  return family
}
