/** Figures of one listener for metrics; all but `open` count up from the start. */
export interface TcpCounters {
  open: number
  accepted: number
  /** Closed on arrival: too many connections. */
  refused: number
  bytesIn: number
  bytesOut: number
  frames: number
  /** Closed for malformed bytes. */
  malformed: number
  /** Closed because a request's handling failed. */
  failed: number
  idle: number
  slowReaders: number
  stalledFrames: number
  /** How often a connection stopped being read, by reason. */
  pausedForAnswers: number
  pausedForQueue: number
  pausedForFrames: number
  pausedForLoad: number
}

export function newTcpCounters(): TcpCounters {
  return {
    open: 0,
    accepted: 0,
    refused: 0,
    bytesIn: 0,
    bytesOut: 0,
    frames: 0,
    malformed: 0,
    failed: 0,
    idle: 0,
    slowReaders: 0,
    stalledFrames: 0,
    pausedForAnswers: 0,
    pausedForQueue: 0,
    pausedForFrames: 0,
    pausedForLoad: 0
  }
}
