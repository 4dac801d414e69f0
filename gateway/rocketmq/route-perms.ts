/**
 * What routes tell of topics' permissions where that is not the topics' own: a name server may take the permission to
 * write away from all topics of a broker, and give it back (RouteInfoManager). It holds until the topic's settings
 * change or the server stops; the topics themselves know nothing of it.
 */
export class RoutePerms {
  /** By topic, as RocketMQ's clients name it. At most as many as there were topics. */
  readonly #perms = new Map<string, number>()

  /** What a route tells of a topic with these permissions. */
  of(topic: string, perm: number): number {
    return this.#perms.get(topic) ?? perm
  }

  set(topic: string, perm: number): void {
    this.#perms.set(topic, perm)
  }

  /** The topic's own hold again. */
  forget(topic: string): void {
    this.#perms.delete(topic)
  }
}
