/** How half messages are asked about; src offers these to operators. RocketMQ's names are in brackets. */
export const transactionLimitTable = {
  transactionCheckAfterMs: {
    default: 6000,
    min: 0,
    max: 86_400_000,
    doc: 'How long after it was sent a half message without an outcome is asked about first, unless it says so itself (transactionTimeOut)'
  },
  transactionCheckIntervalMs: {
    default: 30_000,
    min: 100,
    max: 86_400_000,
    doc: 'How long after that it is asked about again, and each time after (transactionCheckInterval)'
  },
  transactionCheckMax: {
    default: 15,
    min: 1,
    max: 10_000,
    doc: 'How often it is asked about; then it is put into TRANS_CHECK_MAX_TIME_TOPIC (transactionCheckMax)'
  }
} as const

export type TransactionLimits = { readonly [Name in keyof typeof transactionLimitTable]: number }

export const transactionLimits = Object.fromEntries(
  Object.entries(transactionLimitTable).map(([name, limit]) => [name, limit.default])
) as TransactionLimits
