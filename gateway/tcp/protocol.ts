/** What a protocol plugs into a listener: it gets whole frames and gives chunks to send. */

/**
 * What is sent for a frame: chunks, by reference and without a copy (not to be written to afterwards); none for a
 * request without an answer. `null` closes the connection once the answers before it have left.
 */
export type Answer = readonly Buffer[] | LentAnswer | null

/** An answer out of memory that somebody wants back. */
export interface LentAnswer {
  readonly chunks: readonly Buffer[]
  /** Called once: the operating system took all of it, or it is dropped. */
  readonly done: () => void
}

/** The chunks, and what to call when they are not needed any more. */
export function partsOf(answer: readonly Buffer[] | LentAnswer): {
  readonly chunks: readonly Buffer[]
  readonly done: (() => void) | undefined
} {
  return 'chunks' in answer ? answer : { chunks: answer, done: undefined }
}

/** Both ends of a connection, as numbers and without '::ffff:'. */
export interface Endpoints {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** What a session may know of its connection, and do to it. */
export interface ConnectionHandle {
  /** Unique within the process. */
  readonly id: number
  readonly endpoints: Endpoints
  /** Aborted when the connection closes, and when the server wants it to come to an end. */
  readonly signal: AbortSignal
  /** Sends what no frame asked for. Only for protocols whose answers go out in any order. */
  send(chunks: readonly Buffer[]): void
  /** Bytes of answers, and of what was sent without being asked for, that the peer has not taken. */
  readonly waitingBytes: number
  /** Tells that the store refused for overload: no connection is read for a while. */
  overloaded(): void
  /**
   * Asks for room to make an answer of `bytes`, out of what all connections share; returns how many it may have.
   * `releaseAnswer` gives exactly that back, when the answer is made and its own bytes count.
   */
  reserveAnswer(bytes: number): number
  releaseAnswer(bytes: number): void
}

/** A protocol's side of one connection. */
export interface Session {
  /**
   * Whether this frame may be handled while others of its kind before it still are; every other frame waits for all
   * its predecessors. Asked only where the protocol answers in request order. Must not throw.
   */
  mayOverlap(frame: Buffer): boolean
  /** Handles one frame; called in order of arrival. Throwing FrameError means malformed bytes. */
  handle(frame: Buffer): Answer | Promise<Answer>
  /** The connection is gone. */
  closed?(): void
}

export interface Protocol {
  /** For the log and the metrics. */
  readonly name: string
  /** 'request': answers leave in the order of the requests. 'completion': as they are ready, and no frame waits. */
  readonly order: 'request' | 'completion'
  /** Frames of one connection that are handled at a time. */
  readonly inFlightMax: number
  open(connection: ConnectionHandle): Session
}
