/** How far a queue is compacted. Whatever is not known of it is found out again. */
export interface Compacted {
  /** Every record before it had its turn. */
  readonly cleanEnd: number
  /** When something that was kept for a while may go, ms; null for never. */
  readonly horizonMs: number | null
  readonly hasTransactions: boolean
}
