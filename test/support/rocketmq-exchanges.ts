import { decodeCommand, flags } from '../../gateway/rocketmq/codec/index.ts'
import type { TeeFrame } from './capture.ts'

/** A command and its answer, as they went over the wire, without their lengths. */
export interface Exchange {
  /** Who was being captured, as `label` said when the request came. */
  readonly client: string
  readonly code: number
  /** A client's asking the server, or the server's asking a client. */
  readonly from: TeeFrame['from']
  readonly request: Buffer
  /** Null until it comes; a one-way request has none. */
  response: Buffer | null
}

/** Pairs the frames of tees by connection, direction and opaque. */
export class ExchangeLog {
  readonly exchanges: Exchange[] = []
  label = ''
  readonly #waiting = new Map<string, Exchange>()

  /** `tee` tells the tees apart: each counts its own connections. */
  take(tee: string, { connection, from, frame }: TeeFrame): void {
    const { code, flag, opaque } = decodeCommand(frame)
    if ((flag & flags.response) !== 0) {
      const asker = from === 'broker' ? 'client' : 'broker'
      const exchange = this.#waiting.get(`${tee} ${connection} ${asker} ${opaque}`)
      if (exchange !== undefined) exchange.response = frame
      return
    }
    const exchange: Exchange = { client: this.label, code, from, request: frame, response: null }
    this.exchanges.push(exchange)
    this.#waiting.set(`${tee} ${connection} ${from} ${opaque}`, exchange)
  }
}

/**
 * For each client, direction and request code: one exchange of each response code, the one with most to say that is
 * still small, so that a pull with messages is taken before one with none.
 */
export function pickExchanges(exchanges: readonly Exchange[], bytesMax: number): Exchange[] {
  const picked = new Map<string, Exchange>()
  for (const exchange of exchanges) {
    const { client, from, code, response } = exchange
    const outcome = response === null ? '' : decodeCommand(response).code
    const key = `${client} ${from} ${code} ${outcome}`
    const best = picked.get(key)
    if (best === undefined || isBetter(exchange, best, bytesMax)) picked.set(key, exchange)
  }
  return [...picked.values()]
}

function isBetter(one: Exchange, other: Exchange, bytesMax: number): boolean {
  const [bytes, otherBytes] = [sizeOf(one), sizeOf(other)]
  if (otherBytes > bytesMax) return bytes < otherBytes
  return bytes > otherBytes && bytes <= bytesMax
}

function sizeOf({ request, response }: Exchange): number {
  return request.length + (response?.length ?? 0)
}
