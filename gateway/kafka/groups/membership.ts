/** What members ask of the coordinator and what they are told. Protocol-neutral of versions: handlers see to those. */
import type { ErrorCode } from '../error-codes.ts'

/** One way of dividing the work that a member offers; the coordinator does not look into `metadata`. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinRequest {
  readonly groupId: string
  /** '' for a member that has no id yet. */
  readonly memberId: string
  /** KIP-345: set by static members. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  /** Negative: the session timeout counts (JoinGroup v0). */
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  /** KIP-394, v4 and later: a dynamic member first gets its id, then joins with it. */
  readonly idBeforeJoin: boolean
  /** KIP-814, v9 and later: a leader may be told not to assign again. */
  readonly canSkipAssignment: boolean
  /** Aborted when the client's connection is gone. */
  readonly signal: AbortSignal
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly metadata: Buffer
}

export interface JoinResult {
  readonly error: ErrorCode
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** Member id of the one that assigns; '' with an error. */
  readonly leader: string
  readonly skipAssignment: boolean
  /** All members for the leader, nobody for the others. */
  readonly members: readonly JoinedMember[]
}

export interface SyncRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
  /** null where the client did not say (before v5). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** From the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
  readonly signal: AbortSignal
}

export interface SyncResult {
  readonly error: ErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

/** Who says it is a member of which generation. */
export interface MemberClaim {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export interface LeavingMember {
  /** '' with an instance id: an administrator puts the static member out. */
  readonly memberId: string
  readonly instanceId: string | null
}

const noBytes = Buffer.alloc(0)

export function refusedJoin(error: ErrorCode, memberId: string): JoinResult {
  return {
    error,
    memberId,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: []
  }
}

export function refusedSync(error: ErrorCode): SyncResult {
  return { error, protocolType: null, protocolName: null, assignment: noBytes }
}
