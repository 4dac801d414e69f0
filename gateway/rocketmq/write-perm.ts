/** Taking the permission to write away from all of a broker's topics, and giving it back: in routes only. */
import type { RequestContext } from './context.ts'
import { autoCreateSettings, topicSettingsOf } from './topic-settings.ts'

/** Returns how many topics it was done for: all that there are now, none of another broker. */
export async function setRoutePerms(
  brokerName: string,
  permAfter: (perm: number) => number,
  { brokerName: ours, topics, routePerms }: RequestContext
): Promise<number> {
  if (brokerName !== ours) return 0
  const all = (await topics.list()).map(topicSettingsOf)
  if (topics.policy.autoCreate) all.push(autoCreateSettings)
  for (const { topicName, perm } of all) {
    routePerms.set(topicName, permAfter(routePerms.of(topicName, perm)))
  }
  return all.length
}
