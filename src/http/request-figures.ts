/**
 * What the gateways' requests add up to. Counting is a few additions on plain numbers, since it is done for every
 * request; labels and text are made when somebody asks for /metrics.
 */

/** Upper ends of the latency buckets, seconds; a last one without an end follows. */
export const latencyBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
]

export class ApiFigures {
  /** Requests by the first error code of their answer; 0 is none. */
  readonly requests = new Map<number, number>()
  /** Requests by latency bucket, not cumulative. */
  readonly buckets = new Float64Array(latencyBounds.length + 1)
  latencySumSeconds = 0
  bytesIn = 0
  bytesOut = 0
}

/** Counts one protocol's requests. Each server has its own. */
export class RequestFigures {
  /** By the request's name; as many as there are routes. */
  readonly byApi = new Map<string, ApiFigures>()

  handled(
    api: string,
    _version: number,
    errorCode: number,
    latencyMs: number,
    bytesIn: number,
    bytesOut: number
  ): void {
    let figures = this.byApi.get(api)
    if (figures === undefined) {
      figures = new ApiFigures()
      this.byApi.set(api, figures)
    }
    figures.requests.set(errorCode, (figures.requests.get(errorCode) ?? 0) + 1)
    const seconds = latencyMs / 1000
    const bucket = bucketOf(seconds)
    figures.buckets[bucket] = (figures.buckets[bucket] ?? 0) + 1
    figures.latencySumSeconds += seconds
    figures.bytesIn += bytesIn
    figures.bytesOut += bytesOut
  }
}

function bucketOf(seconds: number): number {
  let bucket = 0
  while (bucket < latencyBounds.length && seconds > (latencyBounds[bucket] ?? 0)) bucket++
  return bucket
}
