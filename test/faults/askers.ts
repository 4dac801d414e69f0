/** Clients that ask where queues end, again and again: nothing that they are told may be taken back. */
import { getMaxOffsetRequest } from '../../gateway/rocketmq/headers/get-max-offset.ts'
import { RemotingConnection, RemotingRefused } from '../clients/remoting.ts'
import { i8, i32, i64, list, RawReader, string } from '../crash/raw-bytes.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { RawError } from '../crash/raw-requests.ts'
import { untilLost } from '../support/connect.ts'

const latest = -1

/** ListOffsets v1 of one partition's end. */
export async function latestOffset(
  connection: RawConnection,
  topic: string,
  partition: number
): Promise<number> {
  const one = Buffer.concat([i32(partition), i64(latest)])
  const topics = list([Buffer.concat([string(topic), list([one])])])
  const r = new RawReader(await connection.ask(2, 1, Buffer.concat([i32(-1), topics])))
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      const code = r.i16()
      r.i64()
      const offset = r.i64()
      if (code !== 0) throw new RawError('ListOffsets', code)
      return offset
    })
  })
  return answers[0]?.[0] ?? 0
}

/** One partition of Fetch v4, whatever its error code. */
export async function fetchOrCode(
  connection: RawConnection,
  topic: string,
  partition: number,
  offset: number
): Promise<{ code: number; highWatermark: number; records: Buffer }> {
  const bytesMax = 1 << 20
  const one = Buffer.concat([i32(partition), i64(offset), i32(bytesMax)])
  const head = [i32(-1), i32(0), i32(1), i32(bytesMax), i8(0)]
  const body = Buffer.concat([...head, list([Buffer.concat([string(topic), list([one])])])])
  const r = new RawReader(await connection.ask(1, 4, body))
  r.i32()
  const answers = r.list(() => {
    r.string()
    return r.list(() => {
      r.i32()
      const code = r.i16()
      const highWatermark = r.i64()
      r.i64()
      r.list(() => r.bytes(16))
      return { code, highWatermark, records: r.bytes(Math.max(0, r.i32())) }
    })
  })
  const answer = answers[0]?.[0]
  if (answer === undefined) throw new Error('Fetch: an answer without a partition')
  return answer
}

export interface Asked {
  readonly topic: string
  readonly partitions: number
  toldEnd(partition: number, end: number): void
}

export async function askLatest(bootstrap: string, asked: Asked): Promise<void> {
  await untilLost(
    () => RawConnection.open(bootstrap),
    async (connection) => {
      for (let i = 0; ; i = (i + 1) % asked.partitions)
        asked.toldEnd(i, await latestOffset(connection, asked.topic, i))
    }
  )
}

export async function askMaxOffset(address: string, asked: Asked): Promise<void> {
  await untilLost(
    () => RemotingConnection.open(address),
    async (connection) => {
      for (let queueId = 0; ; queueId = (queueId + 1) % asked.partitions) {
        const answer = await connection.ask(getMaxOffsetRequest, { topic: asked.topic, queueId })
        if (answer.code !== 0) throw new RemotingRefused('GET_MAX_OFFSET', answer)
        asked.toldEnd(queueId, Number(answer.fields.get('offset')))
      }
    }
  )
}
