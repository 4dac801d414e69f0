import type { Contestant } from '../contestants.ts'
import type { Results } from '../table.ts'

export interface BenchOptions {
  /** Seconds that a load is measured for. */
  seconds: number
  /** Class path of Apache Kafka's tools. */
  tools: string
}

/** Something that is measured once a round for each contestant. */
export interface BenchRow {
  name: string
  /** Runs on a server that was started on an empty folder; `false` leaves starting to the row. */
  started: boolean
  /** Does without Apache Kafka's tools. */
  ownClient?: boolean
  measure(c: Contestant, o: BenchOptions, results: Results): Promise<void>
}
