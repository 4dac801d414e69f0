/** How far groups are behind the ends of the queues they read, reckoned when asked. */
import type { Engine, QueueEnds, Topic, TopicId } from '../../storage/index.ts'
import { StoreError } from '../../storage/index.ts'

/** Records that a group has not committed yet, over all queues of a topic that it has a committed offset in. */
export interface GroupLag {
  readonly group: string
  readonly topic: string
  readonly records: number
}

export interface GroupLags {
  readonly lags: readonly GroupLag[]
  /** Committed offsets that were left out because there are more than the limit. */
  readonly omitted: number
}

/** Committed offsets looked at for one answer; a reckoning takes that many look-ups. */
export const lagOffsetsMax = 10_000

/** The lag of every group by topic, of the first `lagOffsetsMax` committed offsets by group and topic. */
export async function reckonLags(engine: Engine): Promise<GroupLags> {
  const rows = [...(await engine.scanState('committed-offset'))]
  rows.sort((a, b) => compare(a.group, b.group) || compare(a.topicId, b.topicId))
  const known = rows.slice(0, lagOffsetsMax)
  const look = new LookUps(engine)
  const lags = new Map<string, GroupLag>()
  for (const { group, topicId, queue, offset } of known) {
    const topic = await look.topic(topicId)
    const ends = await look.ends(topic?.queues[queue])
    if (topic === undefined || ends === undefined || offset < 0) continue
    const behind = Math.max(0, ends.highWatermark - Math.max(offset, ends.logStartOffset))
    const key = `${topicId}${group}`
    const records = (lags.get(key)?.records ?? 0) + behind
    lags.set(key, { group, topic: topic.names.kafka, records })
  }
  return { lags: [...lags.values()], omitted: rows.length - known.length }
}

/** Asks for each topic and queue once. */
class LookUps {
  readonly #engine: Engine
  readonly #topics = new Map<TopicId, Topic | undefined>()
  readonly #ends = new Map<number, QueueEnds | undefined>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async topic(id: TopicId): Promise<Topic | undefined> {
    if (!this.#topics.has(id)) this.#topics.set(id, await this.#engine.findTopic({ id }))
    return this.#topics.get(id)
  }

  async ends(queue: number | undefined): Promise<QueueEnds | undefined> {
    if (queue === undefined) return undefined
    if (!this.#ends.has(queue)) this.#ends.set(queue, await this.#askEnds(queue))
    return this.#ends.get(queue)
  }

  async #askEnds(queue: number): Promise<QueueEnds | undefined> {
    try {
      return await this.#engine.ends(queue)
    } catch (error) {
      // The topic was deleted meanwhile.
      if (error instanceof StoreError && error.code === 'queue-gone') return undefined
      throw error
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
