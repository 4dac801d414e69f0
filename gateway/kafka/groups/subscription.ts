import type { Group } from './group.ts'

/** The protocol type of consumers, the only one whose metadata is ever looked into. */
export const consumerProtocolType = 'consumer'

/**
 * Topics that a consumer's metadata (ConsumerProtocolSubscription, any version: newer ones only append) asks for; null
 * if it cannot be read.
 */
export function subscribedTopics(metadata: Buffer): string[] | null {
  let position = 2
  if (metadata.length < position + 4) return null
  const count = metadata.readInt32BE(position)
  position += 4
  // Each name takes 2 bytes at least.
  if (count < 0 || count > (metadata.length - position) / 2) return null
  const topics: string[] = []
  for (let index = 0; index < count; index++) {
    if (metadata.length < position + 2) return null
    const end = position + 2 + metadata.readInt16BE(position)
    if (end < position + 2 || end > metadata.length) return null
    topics.push(metadata.toString('utf8', position + 2, end))
    position = end
  }
  return topics
}

/** What all members of a group of consumers subscribe to; null where that is not known. */
export function topicsOf(group: Group): Set<string> | null {
  const { protocolName, protocolType } = group
  if (protocolType !== consumerProtocolType || protocolName === null) return null
  const topics = new Set<string>()
  for (const member of group.members.values()) {
    const subscribed = subscribedTopics(member.metadataFor(protocolName))
    if (subscribed === null) return null
    for (const topic of subscribed) topics.add(topic)
  }
  return topics
}
