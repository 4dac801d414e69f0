/** Every limit of timers; src offers them to operators. */
export const timerLimitTable = {
  timersMax: {
    default: 5_000_000,
    min: 0,
    max: 100_000_000,
    doc: 'Records that may wait for their time, all together; each takes up to 82 bytes of memory'
  },
  timersAtOnceMax: {
    default: 512,
    min: 1,
    max: 1000,
    doc: 'Due timers that are taken together'
  },
  timersAtOnceBytesMax: {
    default: 8_388_608,
    min: 1024,
    max: 1_073_741_824,
    doc: 'Records of due timers in memory together; one larger record is taken alone'
  },
  timerRetryMsMax: {
    default: 5000,
    min: 10,
    max: 600_000,
    doc: 'Longest pause before timers that are due are tried again when the store refused (full disk, overload)'
  },
  timerWakeMsMax: {
    default: 10_000,
    min: 100,
    max: 3_600_000,
    doc: 'While timers wait, how often the clock is looked at: no longer than this are they late after it was set forward'
  }
} as const

export type TimerLimits = { readonly [Name in keyof typeof timerLimitTable]: number }

export const timerLimits = Object.fromEntries(
  Object.entries(timerLimitTable).map(([name, limit]) => [name, limit.default])
) as TimerLimits
