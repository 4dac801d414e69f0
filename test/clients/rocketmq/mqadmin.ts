/** RocketMQ's admin tools, run in a driver's JVM (java/Mqadmin.java). */
import { setTimeout } from 'node:timers/promises'
import type { RocketmqDriver } from './driver.ts'

export interface Mqadmin {
  /** Runs one command of mqadmin, words parted by spaces; resolves with all that it printed. */
  tool(line: string): Promise<string>
  /** Runs it again until it prints what is wanted, for a minute; resolves with what it printed last. */
  toolUntil(line: string, wanted: RegExp): Promise<string>
  /** Calls a method of the admin client (DefaultMQAdminExt); rejects with its exception. */
  call(method: string, ...given: readonly unknown[]): Promise<Answer>
  /** Calls it again until it returns what is wanted, for a minute; resolves with what it returned last. */
  callUntil(
    is: (answer: Answer) => boolean,
    method: string,
    ...given: readonly unknown[]
  ): Promise<Answer>
  /** Of a message, by its offset id: the groups that subscribed to its topic, and whether they have consumed it. */
  track(topic: string, messageId: string): Promise<Answer>
  /** HOST:PORT of the broker. */
  brokerAddress(): Promise<string>
}

/** JSON; keys that are objects are their JSON. Undefined: `callUntil` was answered with an exception last. */
// biome-ignore lint/suspicious/noExplicitAny: methods return many things; scenarios look at what they expect
export type Answer = any

/** A real broker tells its name server of changes a little later, and consumers say where they are every 5 s. */
const waitMsMax = 60_000
const callEveryMs = 100

export function mqadminOf(driver: RocketmqDriver): Mqadmin {
  const tool = async (line: string) =>
    String(await driver.ask('Mqadmin.tool', { words: line.split(' ') }))
  const call = (method: string, ...given: readonly unknown[]) =>
    driver.ask('Mqadmin.call', { method, arguments: given }) as Promise<Answer>
  return {
    tool,
    call,
    toolUntil: async (line, wanted) => {
      const endMs = Date.now() + waitMsMax
      for (;;) {
        const printed = await tool(line)
        if (wanted.test(printed) || Date.now() > endMs) return printed
        await setTimeout(callEveryMs)
      }
    },
    callUntil: async (is, method, ...given) => {
      const endMs = Date.now() + waitMsMax
      for (;;) {
        const answer = await call(method, ...given).catch(() => undefined)
        if (is(answer) || Date.now() > endMs) return answer
        await setTimeout(callEveryMs)
      }
    },
    track: (topic, messageId) =>
      driver.ask('Mqadmin.track', { topic, messageId }) as Promise<Answer>,
    brokerAddress: async () => {
      const { brokerAddrTable } = await call('examineBrokerClusterInfo')
      return brokerAddrTable['broker-a'].brokerAddrs[0]
    }
  }
}

/** A printed table: its lines, each as its words. */
export function rowsOf(printed: string): string[][] {
  const lines = printed.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map((line) => line.split(/\s+/))
}

/** The first line that begins with these words, as its words. */
export function rowOf(printed: string, ...words: readonly string[]): string[] | undefined {
  return rowsOf(printed).find((row) => words.every((word, i) => row[i] === word))
}

/** A queue as the key of a map. */
export function queueKey(topic: string, queueId: number): string {
  return JSON.stringify({ brokerName: 'broker-a', queueId, topic })
}
