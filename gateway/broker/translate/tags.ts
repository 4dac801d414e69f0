/** RocketMQ's tags: one property of a message, found by its Java hash code, then compared. */

/** Java's String.hashCode, int32. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** What RocketMQ keeps of a message's tag (MessageExtBrokerInner.tagsString2tagsCode): 0 where there is none. */
export function tagCode(tag: string | undefined): number {
  return tag === undefined ? 0 : javaHashCode(tag)
}

export interface TagFilter {
  /** Undefined: every message, with a tag or without. */
  readonly tags: ReadonlySet<string> | undefined
  readonly codes: ReadonlySet<number>
}

export const everyTag: TagFilter = { tags: undefined, codes: new Set() }

/**
 * From a subscription like `TagA || TagB` (FilterAPI.buildSubscriptionData): `*` and nothing are every message.
 * Undefined for one of separators alone, which RocketMQ refuses.
 */
export function parseTagFilter(expression: string): TagFilter | undefined {
  if (expression === '' || expression === '*') return everyTag
  const tags = new Set<string>()
  for (const part of expression.split('||')) {
    const tag = part.trim()
    if (tag !== '') tags.add(tag)
  }
  return expression.replaceAll('||', '') === '' ? undefined : tagFilterOf(tags)
}

export function tagFilterOf(tags: Iterable<string>): TagFilter {
  const set = new Set(tags)
  return { tags: set, codes: new Set([...set].map(javaHashCode)) }
}

/** Compares the tag itself: what only shares its hash code does not match. A message without a tag never does. */
export function matchesTag(filter: TagFilter, tag: string | undefined): boolean {
  return filter.tags === undefined || (tag !== undefined && filter.tags.has(tag))
}
