import type {
  JoinedMember,
  JoinRequest,
  JoinResult,
  MemberProtocol,
  SyncResult
} from './membership.ts'
import type { Parked } from './parked.ts'
import type { Session } from './session.ts'

/** Own copies: what arrives is a slice of a request's frame and must not keep it alive. */
export function copyProtocols(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

export function protocolsBytes(protocols: readonly MemberProtocol[]): number {
  return protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)
}

/** One member of a group, as the coordinator knows it. */
export class Member {
  /** Replaced when a static member comes back without its id. */
  id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly session: Session
  sessionTimeoutMs = 0
  rebalanceTimeoutMs = 0
  protocols: readonly MemberProtocol[] = []
  /** From the leader of the present generation; empty until then. */
  assignment: Buffer = Buffer.alloc(0)
  /** Waits for the rebalance to complete. */
  joining: Parked<JoinResult> | null = null
  /** Waits for the leader's assignment. */
  syncing: Parked<SyncResult> | null = null
  /** Whether the client has been told `id`; who was not can never come back as this member. */
  idTold: boolean

  constructor(id: string, request: JoinRequest, session: Session) {
    this.id = id
    this.instanceId = request.instanceId
    this.clientId = request.clientId
    this.clientHost = request.clientHost
    this.session = session
    this.idTold = request.memberId !== ''
  }

  update(request: JoinRequest, protocols: readonly MemberProtocol[]): void {
    this.protocols = protocols
    this.sessionTimeoutMs = request.sessionTimeoutMs
    this.rebalanceTimeoutMs =
      request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
  }

  get bytes(): number {
    return protocolsBytes(this.protocols) + this.assignment.length
  }

  /** Whether the same protocols with the same bytes are offered, in the same order of preference. */
  offersSame(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every((protocol, index) => {
        const own = this.protocols[index]
        return own?.name === protocol.name && own.metadata.equals(protocol.metadata)
      })
    )
  }

  /** The member's favourite among `candidates`. */
  voteFor(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }

  metadataFor(protocolName: string): Buffer {
    const protocol = this.protocols.find(({ name }) => name === protocolName)
    return protocol?.metadata ?? Buffer.alloc(0)
  }

  asJoined(protocolName: string): JoinedMember {
    return {
      memberId: this.id,
      instanceId: this.instanceId,
      metadata: this.metadataFor(protocolName)
    }
  }

  touchSession(): void {
    if (this.joining === null && this.syncing === null) this.session.touch(this.sessionTimeoutMs)
  }

  answerJoin(result: JoinResult): void {
    const parked = this.joining
    this.joining = null
    parked?.answer(result)
  }

  answerSync(result: SyncResult): void {
    const parked = this.syncing
    this.syncing = null
    parked?.answer(result)
  }
}
