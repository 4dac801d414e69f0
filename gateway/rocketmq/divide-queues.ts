/** How many of a topic's queues, and which, one member of a group has (AllocateMessageQueueStrategy). */

type Divide = (queueCount: number, index: number, memberCount: number) => number[]

/** AllocateMessageQueueAveragely: neighbours together; the first members have one more where the count is uneven. */
const averagely: Divide = (queueCount, index, memberCount) => {
  const rest = queueCount % memberCount
  const each = Math.floor(queueCount / memberCount)
  const first = index * each + Math.min(index, rest)
  const count = each + (index < rest ? 1 : 0)
  return Array.from({ length: count }, (_, i) => first + i)
}

/** AllocateMessageQueueAveragelyByCircle: dealt out one after the other. */
const byCircle: Divide = (queueCount, index, memberCount) => {
  const mine: number[] = []
  for (let queue = index; queue < queueCount; queue += memberCount) mine.push(queue)
  return mine
}

/** By the names that consumers know them by; those that a broker knows. */
const strategies: ReadonlyMap<string, Divide> = new Map([
  ['AVG', averagely],
  ['AVG_BY_CIRCLE', byCircle]
])

/**
 * The numbers of the queues that `member` has of `queueCount`; none if it is no member. Undefined for a strategy that is
 * not known. Members are put in order here, so that all are told of one division.
 */
export function queuesOfMember(
  strategy: string,
  queueCount: number,
  member: string,
  members: readonly string[]
): number[] | undefined {
  const divide = strategies.get(strategy)
  if (divide === undefined) return undefined
  // As Java compares strings: by UTF-16 code units.
  const index = [...members].sort().indexOf(member)
  return index < 0 ? [] : divide(queueCount, index, members.length)
}
