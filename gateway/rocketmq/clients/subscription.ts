/** What a consumer group wants of one topic, as its members' heartbeats said last. */

export interface Subscription {
  readonly topic: string
  /** `*`, `TagA || TagB`, or an expression of another type. */
  readonly text: string
  readonly expressionType: string
  /** Larger is later; clients take the time for it. */
  readonly version: number
}
