/**
 * What a RocketMQ handler is given. No socket, no buffers to write, no log lines of failure: dispatch does those. A
 * handler takes the decoded header and body and the context, and returns what is answered.
 */
import type { Engine } from '../../storage/contract.ts'
import type { Clock, LogSink, Random } from '../../storage/ports.ts'
import type { AddressMap } from '../broker/addresses.ts'
import type { Groups } from '../broker/groups/index.ts'
import type { Traffic } from '../broker/statistics/traffic.ts'
import type { Timers } from '../broker/timers/index.ts'
import type { TopicService } from '../broker/topics.ts'
import type { DecodedBatches } from '../broker/translate/index.ts'
import type { ClientConnection, PushLimits } from './client-connection.ts'
import type { ClientTable } from './clients/client-table.ts'
import type { OffsetResets } from './clients/offset-resets.ts'
import type { QueueLocks } from './clients/queue-locks.ts'
import type { BodyInput, BodyOf } from './codec/body.ts'
import type { AnyRequest, Command, HeaderInput, HeaderOf } from './codec/index.ts'
import type { MessageFilters } from './filter/message-filters.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { ResponseCode, responseCodes } from './response-codes.ts'
import type { RoutePerms } from './route-perms.ts'
import type { ServerFacts } from './told-settings.ts'
import type { TransactionLimits } from './transactions/limits.ts'

export type { AddressMap, ClientConnection, Groups, TopicService }

/** The two listeners; a client dials both. */
export const roles = ['namesrv', 'broker'] as const
export type Role = (typeof roles)[number]

/** Limits that handlers keep, each with a name; src/config.ts offers those that an operator may change. */
export interface RocketmqLimits extends PushLimits {
  /** Requests of one connection that are being handled, held pulls among them; the next ones wait unread. */
  readonly inFlightMax: number
  /** A client that was asked something and has not answered is not waited for any longer. */
  readonly clientAnswerMsMax: number
  /** Of a sent body, or of a batch of them, as sent. */
  readonly bodyBytesMax: number
  /** Of the messages that one pull is answered with; the first one may be larger. */
  readonly pullBytesMax: number
  /** A pull looks no longer for messages that its filter wants; the next one goes on where it was. */
  readonly pullScanMsMax: number
  /** Of the messages that one query by key is answered with; the newest one may be larger. */
  readonly queryBytesMax: number
  /** What a query by key reads, looking for records of Kafka's clients. */
  readonly keyScanBytesMax: number
  /** How long it looks for them. */
  readonly keyScanMsMax: number
  /** A timer message is not delivered later than this after it was sent; one that asks for it is refused. */
  readonly timerDelayMsMax: number
  /** A pull waits no longer, whatever it asks for: clients give up 10 s after what they asked for. */
  readonly pullWaitMsMax: number
}

export const defaultRocketmqLimits: RocketmqLimits = {
  inFlightMax: 16_384,
  pushesMax: 1024,
  pushBytesMax: 8 * 1024 * 1024,
  clientAnswerMsMax: 10_000,
  bodyBytesMax: 4 * 1024 * 1024,
  pullBytesMax: 256 * 1024,
  pullScanMsMax: 1000,
  queryBytesMax: 8 * 1024 * 1024,
  keyScanBytesMax: 16 * 1024 * 1024,
  keyScanMsMax: 500,
  timerDelayMsMax: 36_525 * 86_400_000,
  pullWaitMsMax: 60_000
}

/** What all RocketMQ connections of a server share. */
export interface RocketmqServices {
  readonly engine: Engine
  readonly topics: TopicService
  /** Stored groups, committed offsets, and whose members a group has: one table for both protocols. */
  readonly groups: Groups
  /** Records that wait for their time, or for their sender's word. */
  readonly timers: Timers
  /** Who is connected, and in which groups. */
  readonly clients: ClientTable
  readonly locks: QueueLocks
  /** Groups' places that a tool gave anew. */
  readonly resets: OffsetResets
  readonly routePerms: RoutePerms
  /** What consumers ask to be filtered by, made into filters. */
  readonly filters: MessageFilters
  readonly decoded: DecodedBatches
  readonly readAhead: ReadAhead
  /** What goes through the server, of both protocols. */
  readonly traffic: Traffic
  readonly addresses: AddressMap
  readonly clusterName: string
  readonly brokerName: string
  readonly facts: ServerFacts
  /** Where the broker listener is bound, once it is: routes told on the name server's listener have its port. */
  readonly brokerPort: () => number
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
  readonly limits: RocketmqLimits
  /** When producers are asked about half messages. */
  readonly transactionLimits: TransactionLimits
}

export interface RequestContext extends RocketmqServices {
  /** The listener that the request came to. */
  readonly role: Role
  readonly client: ClientConnection
  /** The frame as it came: language, version, remark and whatever fields no declaration names. */
  readonly command: Command
  /** Aborted when the connection closes, or when the server does: pass it to whatever waits. */
  readonly signal: AbortSignal
  /**
   * Asks for room to make an answer of `bytes`, out of what all connections share; returns how many it may have.
   * `releaseAnswer` gives exactly that back, when the answer is made. Not to be held while waiting.
   */
  reserveAnswer(bytes: number): number
  releaseAnswer(bytes: number): void
}

/** A request as its handler gets it. */
export interface Asked<R extends AnyRequest> {
  readonly header: HeaderOf<R['header']>
  readonly body: BodyOf<R['body']>
}

/** May be left out where it has nothing in it that must be said. */
type Part<Name extends string, Value> =
  Record<never, never> extends Value
    ? { readonly [K in Name]?: Value }
    : undefined extends Value
      ? { readonly [K in Name]?: Value }
      : { readonly [K in Name]: Value }

/** An answer that has all that its declaration wants. */
export type Answered<R extends AnyRequest> = {
  /** SUCCESS where it is left out. */
  readonly code?: ResponseCode
  readonly remark?: string
} & Part<'header', HeaderInput<R['responseHeader']>> &
  Part<'body', BodyInput<R['responseBody']>>

/** An answer that says why there is nothing. */
export interface Refused {
  readonly code: ResponseCode
  /** Shown to users (`CODE: n DESC: remark`). */
  readonly remark: string
  /** Said all the same (MSG_REGION and TRACE_ON of a refused send). */
  readonly fields?: Readonly<Record<string, string>>
  readonly refused: true
}

export type Reply<R extends AnyRequest> = Answered<R> | Refused

export function refuse(
  code: Exclude<ResponseCode, typeof responseCodes.SUCCESS>,
  remark: string,
  fields: Readonly<Record<string, string>> = {}
): Refused {
  return { code, remark, fields, refused: true }
}

/**
 * Answers one request. What RocketMQ has a code for is a reply; a StoreError is answered by `rocketmqResponseOf`, and
 * whatever else a handler throws is a bug: it is logged once and answered SYSTEM_ERROR.
 */
export type Handler<R extends AnyRequest> = (
  asked: Asked<R>,
  context: RequestContext
) => Reply<R> | Promise<Reply<R>>
