import type { TeeFrame } from './capture.ts'

/** A Kafka request and its response, as they went over the wire. */
export type Exchange = {
  /** Who asked, as `label` said when the request came. */
  readonly client: string
  readonly apiKey: number
  readonly version: number
  readonly request: Buffer
  /** Null until it comes; a Produce without acks has none. */
  response: Buffer | null
}

/** Pairs the frames of a tee by connection and correlation id. */
export class ExchangeLog {
  readonly exchanges: Exchange[] = []
  label = ''
  private readonly waiting = new Map<string, Exchange>()

  take({ connection, from, frame }: TeeFrame): void {
    if (from === 'broker') {
      const key = `${connection} ${frame.readInt32BE(0)}`
      const exchange = this.waiting.get(key)
      if (exchange === undefined) throw new Error('a response to no request')
      this.waiting.delete(key)
      exchange.response = frame
      return
    }
    const exchange: Exchange = {
      client: this.label,
      apiKey: frame.readInt16BE(0),
      version: frame.readInt16BE(2),
      request: frame,
      response: null
    }
    this.exchanges.push(exchange)
    this.waiting.set(`${connection} ${frame.readInt32BE(4)}`, exchange)
  }
}

/**
 * One exchange for each client, API and version: the one with most to say that is still small, so
 * that a fetch with records is taken before an empty one.
 */
export function pickExchanges(exchanges: readonly Exchange[], bytesMax: number): Exchange[] {
  const picked = new Map<string, Exchange>()
  for (const exchange of exchanges) {
    if (exchange.response === null) continue
    const key = `${exchange.apiKey} ${exchange.version} ${exchange.client}`
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
