import type { ClientInfo, KafkaServices, RequestContext } from './context.ts'

/** What stays the same for all requests of a connection. */
export type SessionScope = Omit<
  RequestContext,
  'version' | 'correlationId' | 'client' | 'afterAnswer'
>

/**
 * The context of one request. Fields are copied one by one into one shape: spreading an object of so many took 14 µs a
 * request, and a prototype a connection would give every connection a shape of its own.
 */
export class RequestScope implements RequestContext {
  readonly engine: KafkaServices['engine']
  readonly topics: KafkaServices['topics']
  readonly groups: KafkaServices['groups']
  readonly addresses: KafkaServices['addresses']
  readonly config: KafkaServices['config']
  readonly producerIds: KafkaServices['producerIds']
  readonly batches: KafkaServices['batches']
  readonly nodeId: number
  readonly clusterId: string
  readonly dataFolder: string
  readonly clock: KafkaServices['clock']
  readonly random: KafkaServices['random']
  readonly log: KafkaServices['log']
  readonly limits: KafkaServices['limits']
  readonly apis: RequestContext['apis']
  readonly signal: AbortSignal
  readonly introduce: RequestContext['introduce']
  readonly overloaded: RequestContext['overloaded']
  readonly reserveAnswer: RequestContext['reserveAnswer']
  readonly releaseAnswer: RequestContext['releaseAnswer']
  readonly inTurn: RequestContext['inTurn']
  readonly client: ClientInfo
  readonly version: number
  readonly correlationId: number
  #afterAnswer: (() => void)[] | undefined

  constructor(session: SessionScope, client: ClientInfo, version: number, correlationId: number) {
    this.engine = session.engine
    this.topics = session.topics
    this.groups = session.groups
    this.addresses = session.addresses
    this.config = session.config
    this.producerIds = session.producerIds
    this.batches = session.batches
    this.nodeId = session.nodeId
    this.clusterId = session.clusterId
    this.dataFolder = session.dataFolder
    this.clock = session.clock
    this.random = session.random
    this.log = session.log
    this.limits = session.limits
    this.apis = session.apis
    this.signal = session.signal
    this.introduce = session.introduce
    this.overloaded = session.overloaded
    this.reserveAnswer = session.reserveAnswer
    this.releaseAnswer = session.releaseAnswer
    this.inTurn = session.inTurn
    this.client = client
    this.version = version
    this.correlationId = correlationId
  }
  afterAnswer(done: () => void): void {
    this.#afterAnswer ??= []
    this.#afterAnswer.push(done)
  }

  /** What is to be called when the answer has left, or will not; undefined for nothing. */
  takeAfterAnswer(): (() => void) | undefined {
    const all = this.#afterAnswer
    this.#afterAnswer = undefined
    return (
      all &&
      (() => {
        for (const done of all) done()
      })
    )
  }
}
