/** What the files of scenarios/ are made of. */
import type { Kafka } from 'kafkajs'
import type { Test } from 'tap'
import type { OwnServer } from '../server.ts'
import type { GivenMessage, RocketmqClient, RocketmqDriver } from './driver.ts'

/** What a scenario is given. */
export interface Stage {
  readonly client: RocketmqClient
  /** HOST:PORT of the name server. */
  readonly namesrv: string
  /** Another process of the client; ended with the scenario. */
  another(): RocketmqDriver
  /** A topic or group name that nothing else in this run has. */
  name(of: string): string
}

/** The stage with a server of ours: it can be restarted, and speaks Kafka. */
export interface OwnStage extends Stage {
  readonly server: OwnServer
  readonly kafka: Kafka
}

interface Played {
  readonly name: string
  /** Clients that play it; Java's if absent. */
  readonly languages?: readonly RocketmqClient['language'][]
  /** The oldest major version of the Java client that can play it. */
  readonly since?: number
}

/** A scenario that a real RocketMQ passes too, or (`own`) one that needs a server of ours. */
export type Scenario =
  | (Played & { readonly own?: false; run(t: Test, stage: Stage): Promise<void> })
  | (Played & { readonly own: true; run(t: Test, stage: OwnStage): Promise<void> })

/** What a scenario that asks nothing of one client alone is played with. */
export const everyLanguage: readonly RocketmqClient['language'][] = ['java', 'go']

/** How often the server asks about a transaction, a second apart: a busy client has that long to answer. */
export const transactionChecksMax = 8

const repeatMsMax = 60_000

/** Does something again and again until `is` holds, or for as long as a busy machine may need. */
export async function repeatUntil(
  is: () => boolean,
  again: () => Promise<unknown>,
  msMax = repeatMsMax
): Promise<void> {
  const endMs = Date.now() + msMax
  while (!is() && Date.now() < endMs) await again()
}

/** A held pull is answered within it when its message comes; a client would ask again after 15 s by itself. */
export const heldMsMax = 10_000

/** Messages whose bodies are the prefix and a number. */
export function numbered(count: number, prefix = 'm'): { body: Buffer }[] {
  return Array.from({ length: count }, (_, i) => ({ body: Buffer.from(`${prefix}${i}`) }))
}

/** The bodies as sorted texts: what was given, in whatever order. */
export function bodies(given: readonly Pick<GivenMessage, 'body'>[]): string[] {
  return given.map(({ body }) => body.toString()).sort()
}
