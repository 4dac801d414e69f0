/** RocketMQ's admin tools, run in a driver's JVM (java/5.3.3/Mqadmin.java). */
import type { RocketmqDriver } from './driver.ts'

export interface Mqadmin {
  /** Runs one command of mqadmin, words parted by spaces; resolves with all that it printed. */
  tool(line: string): Promise<string>
  /** Runs it again until it prints what is wanted, some times; resolves with what it printed last. */
  toolUntil(line: string, wanted: RegExp): Promise<string>
  /** Calls a method of the admin client (DefaultMQAdminExt); rejects with its exception. */
  call(method: string, ...given: readonly unknown[]): Promise<Answer>
  /** HOST:PORT of the broker. */
  brokerAddress(): Promise<string>
}

/** JSON; keys that are objects are their JSON. */
// biome-ignore lint/suspicious/noExplicitAny: every method returns something else, and scenarios look at what they expect
export type Answer = any

/** A real broker tells its name server of changes a little later; each try of a tool takes up to 3 s. */
const triesMax = 8

export function mqadminOf(driver: RocketmqDriver): Mqadmin {
  const tool = async (line: string) =>
    String(await driver.ask('Mqadmin.tool', { words: line.split(' ') }))
  const call = (method: string, ...given: readonly unknown[]) =>
    driver.ask('Mqadmin.call', { method, arguments: given }) as Promise<Answer>
  return {
    tool,
    call,
    toolUntil: async (line, wanted) => {
      let printed = await tool(line)
      for (let tried = 1; tried < triesMax && !wanted.test(printed); tried++) {
        printed = await tool(line)
      }
      return printed
    },
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
