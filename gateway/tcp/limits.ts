/** Every limit of the listeners and their connections, by name. src/config.ts offers them to the operator. */

export interface Limit {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly doc: string
}

export const tcpLimitTable = {
  connectionsMax: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Open connections of one listener; further ones are closed when they arrive.'
  },
  frameBytesMax: {
    default: 104_857_600,
    min: 1024,
    max: 1_073_741_824,
    doc: 'One frame, bytes. A connection that announces a larger one is closed.'
  },
  partialFrameBytesMax: {
    default: 67_108_864,
    min: 65_536,
    max: 17_179_869_184,
    doc: 'Half-received frames of all connections, bytes. Beyond it only one connection at a time is read on.'
  },
  partialFrameShareBytesMax: {
    default: 8_388_608,
    min: 65_536,
    max: 17_179_869_184,
    doc: 'Half-received frame of one connection, bytes. Beyond it only one connection at a time is read on.'
  },
  frameStallMs: {
    default: 15_000,
    min: 100,
    max: 3_600_000,
    doc: 'While half-received frames are at their limit: a sender slower than frameProgressBytesMin in this time is closed.'
  },
  frameProgressBytesMin: {
    default: 65_536,
    min: 1,
    max: 104_857_600,
    doc: 'What a sender must send within frameStallMs while others wait for room, bytes.'
  },
  requestBytesMax: {
    default: 67_108_864,
    min: 65_536,
    max: 17_179_869_184,
    doc: 'Received requests that are not answered yet, all connections, bytes. Beyond it nothing is read.'
  },
  answerBytesMax: {
    default: 134_217_728,
    min: 65_536,
    max: 17_179_869_184,
    doc: 'Answers being made or waiting to be sent, all connections, bytes. Near it they are made smaller.'
  },
  answerBytesMin: {
    default: 262_144,
    min: 1,
    max: 104_857_600,
    doc: 'Answers are not made smaller than this for want of room, bytes.'
  },
  overloadPauseMs: {
    default: 100,
    min: 1,
    max: 60_000,
    doc: 'How long nothing is read after the store said that it is overloaded, ms.'
  },
  requestsQueuedMax: {
    default: 64,
    min: 1,
    max: 100_000,
    doc: 'Received requests of one connection that are not started yet; beyond it the connection is not read.'
  },
  requestsInFlightMax: {
    default: 16,
    min: 1,
    max: 10_000,
    doc: 'Started requests of one connection where its protocol answers in order.'
  },
  requestsPerTurnMax: {
    default: 64,
    min: 1,
    max: 100_000,
    doc: 'Requests of one connection that are started before the other connections have their turn.'
  },
  writeBytesMax: {
    default: 1_048_576,
    min: 1024,
    max: 1_073_741_824,
    doc: 'Answers waiting to be sent on one connection, bytes; beyond it no request of it is read or started.'
  },
  writeGroupBytes: {
    default: 524_288,
    min: 1024,
    max: 104_857_600,
    doc: 'Handed to the operating system at a time, bytes; the step in which a slow reader is measured.'
  },
  slowReaderMs: {
    default: 60_000,
    min: 100,
    max: 3_600_000,
    doc: 'With answers waiting: a client that takes none of them for this long is closed, ms.'
  },
  idleMs: {
    default: 600_000,
    min: 100,
    max: 86_400_000,
    doc: 'A connection without a request under way and without a byte received for this long is closed, ms.'
  },
  sweepMs: {
    default: 1000,
    min: 10,
    max: 60_000,
    doc: 'How often at most idle connections and slow readers are looked for, ms; not before there may be one.'
  }
} as const satisfies Record<string, Limit>

export type TcpLimitName = keyof typeof tcpLimitTable
export type TcpLimits = { readonly [K in TcpLimitName]: number }

/** The defaults with some changed. Throws RangeError naming the first one that is not an integer within its range. */
export function tcpLimits(changes: Partial<TcpLimits> = {}): TcpLimits {
  const limits: Record<string, number> = {}
  for (const [name, row] of Object.entries<Limit>(tcpLimitTable)) {
    const value = changes[name as TcpLimitName] ?? row.default
    if (!Number.isInteger(value) || value < row.min || value > row.max)
      throw new RangeError(`${name} must be an integer from ${row.min} to ${row.max}, not ${value}`)
    limits[name] = value
  }
  return limits as TcpLimits
}
