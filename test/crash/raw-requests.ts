/** The requests that the crash test sends, one function each. Field order is Kafka's protocol guide's. */
import {
  type BatchStamp,
  encodeBatch,
  i8,
  i16,
  i32,
  i64,
  list,
  type RawContent,
  RawReader,
  string
} from './raw-bytes.ts'
import type { RawConnection } from './raw-connection.ts'

/** An answer with an error code. */
export class RawError extends Error {
  readonly code: number

  constructor(what: string, code: number) {
    super(`${what}: error code ${code}`)
    this.code = code
  }
}

/** Kafka's OFFSET_OUT_OF_RANGE. */
const outOfRange = 1

/** Whether the offset is none that the partition has, any more. */
export function isOutOfRange(error: unknown): boolean {
  return error instanceof RawError && error.code === outOfRange
}

function check(what: string, code: number): void {
  if (code !== 0) throw new RawError(what, code)
}

/** CreateTopics v2; a topic that is there already is fine. */
export async function createTopic(
  c: RawConnection,
  topic: string,
  count: number,
  settings: Readonly<Record<string, string>> = {}
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) =>
    Buffer.concat([string(name), string(value)])
  )
  const one = Buffer.concat([string(topic), i32(count), i16(1), list([]), list(configs)])
  const r = new RawReader(await c.ask(19, 2, Buffer.concat([list([one]), i32(10_000), i8(0)])))
  r.i32()
  r.list(() => {
    r.string()
    const code = r.i16()
    r.string()
    if (code !== 36) check('CreateTopics', code)
  })
}

/** InitProducerId v1 without a transactional id. */
export async function initProducerId(c: RawConnection): Promise<[id: number, epoch: number]> {
  const r = new RawReader(await c.ask(22, 1, Buffer.concat([i16(-1), i32(0)])))
  r.i32()
  check('InitProducerId', r.i16())
  return [r.i64(), r.i16()]
}

export interface Produced {
  code: number
  baseOffset: number
}

/** Produce v7, one batch, acks=all. */
export async function produce(
  c: RawConnection,
  topic: string,
  partition: number,
  contents: readonly RawContent[],
  stamp: BatchStamp
): Promise<Produced> {
  const batch = encodeBatch(contents, stamp)
  const one = Buffer.concat([i32(partition), i32(batch.length), batch])
  const head = [i16(-1), i16(-1), i32(30_000)]
  const body = Buffer.concat([...head, list([Buffer.concat([string(topic), list([one])])])])
  const r = new RawReader(await c.ask(0, 7, body))
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      const produced = { code: r.i16(), baseOffset: r.i64() }
      r.i64()
      r.i64()
      return produced
    })
  })
  const produced = answers[0]?.[0]
  if (!produced) throw new Error('Produce: an answer without a partition')
  return produced
}

export interface Fetched {
  highWatermark: number
  records: Buffer
}

/** Fetch v4 of one partition; waits at most `waitMs` for records. */
export async function fetch(
  c: RawConnection,
  topic: string,
  partition: number,
  offset: number,
  waitMs: number
): Promise<Fetched> {
  const bytesMax = 1 << 20
  const one = Buffer.concat([i32(partition), i64(offset), i32(bytesMax)])
  const head = [i32(-1), i32(waitMs), i32(1), i32(bytesMax), i8(0)]
  const body = Buffer.concat([...head, list([Buffer.concat([string(topic), list([one])])])])
  const r = new RawReader(await c.ask(1, 4, body))
  r.i32()
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      check('Fetch', r.i16())
      const highWatermark = r.i64()
      r.i64()
      r.list(() => r.bytes(16))
      return { highWatermark, records: r.bytes(Math.max(0, r.i32())) }
    })
  })
  const fetched = answers[0]?.[0]
  if (!fetched) throw new Error('Fetch: an answer without a partition')
  return fetched
}

/** OffsetCommit v2 from outside a group's membership. */
export async function commitOffset(
  c: RawConnection,
  group: string,
  topic: string,
  partition: number,
  offset: number
): Promise<void> {
  const one = Buffer.concat([i32(partition), i64(offset), string('')])
  const head = [string(group), i32(-1), string(''), i64(-1)]
  const body = Buffer.concat([...head, list([Buffer.concat([string(topic), list([one])])])])
  const r = new RawReader(await c.ask(8, 2, body))
  r.list(() => {
    r.string()
    r.list(() => {
      r.i32()
      check('OffsetCommit', r.i16())
    })
  })
}

/** OffsetFetch v1; -1 is none. */
export async function committedOffset(
  c: RawConnection,
  group: string,
  topic: string,
  partition: number
): Promise<number> {
  const topics = list([Buffer.concat([string(topic), list([i32(partition)])])])
  const r = new RawReader(await c.ask(9, 1, Buffer.concat([string(group), topics])))
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      const offset = r.i64()
      r.string()
      check('OffsetFetch', r.i16())
      return offset
    })
  })
  return answers[0]?.[0] ?? -1
}

/** DeleteTopics v1. */
export async function deleteTopic(c: RawConnection, topic: string): Promise<void> {
  const r = new RawReader(await c.ask(20, 1, Buffer.concat([list([string(topic)]), i32(10_000)])))
  r.i32()
  r.list(() => {
    r.string()
    check('DeleteTopics', r.i16())
  })
}

/** The names of all topics: Metadata v1. */
export async function topicNames(c: RawConnection): Promise<string[]> {
  const r = new RawReader(await c.ask(3, 1, i32(-1)))
  r.list(() => {
    r.i32()
    r.string()
    r.i32()
    r.string()
  })
  r.i32()
  return r.list(() => {
    check('Metadata', r.i16())
    const name = r.string()
    r.bytes(1)
    r.list(() => {
      r.bytes(10)
      for (const _ of ['replicas', 'in sync']) r.list(() => r.i32())
    })
    return name
  })
}

export const ends = { logStart: -2, highWatermark: -1 } as const

/** Where a partition begins or ends: ListOffsets v1. */
export async function endOf(
  c: RawConnection,
  topic: string,
  partition: number,
  end: keyof typeof ends
): Promise<number> {
  const one = Buffer.concat([i32(partition), i64(ends[end])])
  const topics = list([Buffer.concat([string(topic), list([one])])])
  const r = new RawReader(await c.ask(2, 1, Buffer.concat([i32(-1), topics])))
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      check('ListOffsets', r.i16())
      r.i64()
      return r.i64()
    })
  })
  const offset = answers[0]?.[0]
  if (offset === undefined) throw new Error('ListOffsets: an answer without a partition')
  return offset
}

/** DeleteRecords v1; resolves with where the partition begins then. */
export async function deleteRecords(
  c: RawConnection,
  topic: string,
  partition: number,
  before: number
): Promise<number> {
  const one = Buffer.concat([i32(partition), i64(before)])
  const topics = list([Buffer.concat([string(topic), list([one])])])
  const r = new RawReader(await c.ask(21, 1, Buffer.concat([topics, i32(10_000)])))
  r.i32()
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      const logStart = r.i64()
      check('DeleteRecords', r.i16())
      return logStart
    })
  })
  return answers[0]?.[0] ?? -1
}
