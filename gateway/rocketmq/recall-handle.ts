/**
 * What RECALL_MESSAGE takes (RecallMessageHandle): words of a text, in base64 of URLs. Clients send it to the broker
 * that it names and read nothing else in it, and a real broker passes over words that it does not know; the last one
 * is ours.
 *
 * | word | |
 * |---|---|
 * | v1 | |
 * | topic | where the message is to be delivered |
 * | broker name | |
 * | time | when, ms |
 * | unique key | the message's |
 * | QUEUE-OFFSET | where it waits |
 */
import type { TimerPlace } from '../broker/timers/index.ts'

export interface RecallHandle {
  readonly topic: string
  readonly brokerName: string
  readonly deliverMs: number
  readonly uniqueKey: string
  /** Absent in a handle that somebody else made. */
  readonly place?: TimerPlace
}

const version = 'v1'
const wordsMin = 5

export function encodeRecallHandle(handle: RecallHandle): string {
  const { topic, brokerName, deliverMs, uniqueKey, place } = handle
  const words = [version, topic, brokerName, `${deliverMs}`, uniqueKey]
  if (place !== undefined) words.push(`${place.queue}-${place.offset}`)
  const text = Buffer.from(words.join(' ')).toString('base64url')
  // As Java's encoder ends it, and stricter decoders want it.
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Undefined for a text that is no handle. */
export function decodeRecallHandle(text: string): RecallHandle | undefined {
  if (!/^[A-Za-z0-9_-]+=*$/.test(text)) return undefined
  const words = Buffer.from(text, 'base64url').toString().split(' ')
  const [first, topic = '', brokerName = '', time = '', uniqueKey = '', where = ''] = words
  if (first !== version || words.length < wordsMin) return undefined
  const deliverMs = /^\d{1,15}$/.test(time) ? Number(time) : -1
  const numbers = /^(\d{1,8})-(\d{1,16})$/.exec(where)
  const handle = { topic, brokerName, deliverMs, uniqueKey }
  if (numbers === null) return handle
  return { ...handle, place: { queue: Number(numbers[1]), offset: Number(numbers[2]) } }
}
