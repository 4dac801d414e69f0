/**
 * What a Kafka handler is given. No socket, no buffers to write, no log lines of failure: dispatch does those. A
 * handler takes the decoded body (every field present) and the context, and returns the response's body.
 */
import type { Engine } from '../../storage/contract.ts'
import type { Clock, LogSink, Random } from '../../storage/ports.ts'
import type { AddressMap } from '../broker/addresses.ts'
import type { ConfigService } from '../broker/configs.ts'
import type { TopicService } from '../broker/topics.ts'
import type { KafkaBatches } from '../broker/translate/index.ts'
import type { KafkaGroups } from './groups/kafka-groups.ts'

export type { AddressMap, ConfigService, KafkaGroups, TopicService }

/** Limits that handlers keep, each with a name; src/config.ts offers those that an operator may change. */
export interface KafkaLimits {
  /** fetch.max.bytes: no fetch response is asked to be larger, bytes. */
  readonly fetchBytesMax: number
  /** A fetch waits no longer, ms, whatever its max_wait_ms says. */
  readonly fetchWaitMsMax: number
  /** An append with acks=-1 is given at least this long, ms, whatever the request's timeout_ms says. */
  readonly produceWaitMsMin: number
}

export const defaultKafkaLimits: KafkaLimits = {
  fetchBytesMax: 57_671_680,
  fetchWaitMsMax: 300_000,
  produceWaitMsMin: 1000
}

/** Hands out producer ids that were never handed out before (KIP-98). */
export interface ProducerIds {
  next(): Promise<number>
}

/** What all Kafka connections of a server share. */
export interface KafkaServices {
  readonly engine: Engine
  readonly topics: TopicService
  readonly groups: KafkaGroups
  readonly addresses: AddressMap
  readonly config: ConfigService
  readonly producerIds: ProducerIds
  /** Batches with compressed bodies of RocketMQ's clients, as Kafka's read them. */
  readonly batches: KafkaBatches
  /** The one node's id, 0 or more, the same over restarts. */
  readonly nodeId: number
  /** 22 characters of URL-safe base64, the same over restarts. */
  readonly clusterId: string
  /** The store's folder, as tools are told it. */
  readonly dataFolder: string
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
  readonly limits: KafkaLimits
}

/** Who is asking. One object a connection; the client id may change with every request. */
export interface ClientInfo {
  /** The client id of the request's header; '' if it sent none. */
  readonly id: string
  /** The client's address and port, without '::ffff:'. */
  readonly host: string
  readonly port: number
  /** From ApiVersions v3 and later (KIP-511); '' until then. */
  readonly softwareName: string
  readonly softwareVersion: string
  /** The address and port that the client dialled, without '::ffff:'. */
  readonly localAddress: string
  readonly localPort: number
}

/** A row of what ApiVersions tells. */
export interface ApiRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

export interface RequestContext extends KafkaServices {
  /** All that is served, from routes.ts. */
  readonly apis: readonly ApiRange[]
  readonly client: ClientInfo
  /** Keeps what a client says of itself in ApiVersions for the connection's later requests. */
  introduce(softwareName: string, softwareVersion: string): void
  /** Of the request, within its route's range. */
  readonly version: number
  readonly correlationId: number
  /** Aborted when the connection closes: pass it to whatever waits. */
  readonly signal: AbortSignal
  /** Tells that the store refused for overload: no connection is read for a while. */
  overloaded(): void
  /**
   * Asks for room to make an answer of `bytes`, out of what all connections share; returns how many it may have.
   * `releaseAnswer` gives exactly that back, when the answer is made. Not to be held while waiting.
   */
  reserveAnswer(bytes: number): number
  releaseAnswer(bytes: number): void
  /** Has `done` called once when the answer has left, or will not. */
  afterAnswer(done: () => void): void
  /**
   * Gives what `prepared` gives, after all earlier calls on this connection got theirs: requests that overlap prepare
   * at the same time and still act in the order in which they came.
   */
  inTurn<T>(prepared: Promise<T>): Promise<T>
}

/** Returned where Kafka sends nothing (Produce with acks=0). */
export const noAnswer: unique symbol = Symbol('no answer')
/** Returned where Kafka closes the connection instead of answering (an error with acks=0). */
export const closeConnection: unique symbol = Symbol('close the connection')

export type Outcome<Response> = Response | typeof noAnswer | typeof closeConnection

/**
 * Answers one request. `Request` and `Response` are the bodies' types (`BodyOf` of the declarations). Errors that
 * Kafka knows are values in the response; a handler that throws is a bug: it is logged once and its connection closed.
 */
export type Handler<Request, Response> = (
  request: Request,
  context: RequestContext
) => Outcome<Response> | Promise<Outcome<Response>>
