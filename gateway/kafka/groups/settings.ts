/** What the group coordinator keeps to; every limit that clients can run into has its name here. */
export interface GroupSettings {
  /** group.min.session.timeout.ms and group.max.session.timeout.ms: outside is INVALID_SESSION_TIMEOUT. */
  readonly sessionTimeoutMinMs: number
  readonly sessionTimeoutMaxMs: number
  /** group.initial.rebalance.delay.ms: how long the first member of an empty group waits for more. */
  readonly initialRebalanceDelayMs: number
  /** group.max.size: members of one group, and ids handed out to members still to come. */
  readonly groupMembersMax: number
  /** Groups with members, all together. */
  readonly liveGroupsMax: number
  /** Protocol metadata and assignments of one group, bytes. */
  readonly groupBytesMax: number
  /** The same, of all groups together. */
  readonly allGroupsBytesMax: number
  /**
   * A session timer that fires this late was held up by the server itself, so its member gets another session: its
   * heartbeats may be waiting in the socket.
   */
  readonly stalledTimerMs: number
}

export const defaultGroupSettings: GroupSettings = {
  sessionTimeoutMinMs: 6_000,
  sessionTimeoutMaxMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  groupMembersMax: 5_000,
  liveGroupsMax: 10_000,
  groupBytesMax: 32 * 1024 * 1024,
  allGroupsBytesMax: 128 * 1024 * 1024,
  stalledTimerMs: 1_000
}
