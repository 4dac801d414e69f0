/**
 * The server is killed while clients send and consume. Not for Go's client: its consumer is heard of again with its next
 * heartbeat, up to 30 s after a restart, and pulls nothing before.
 */
import type { Test } from 'tap'
import type { RocketmqDriver } from '../driver.ts'
import type { OwnStage, Scenario } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'what was acknowledged is consumed, however often the server is killed',
    own: true,
    run: killed
  }
]

const kills = 3
/** Sends on their way at any time. */
const lanes = 8
/** Acknowledged before each kill, and after the last. */
const sendsPerLife = 150

/** Sends one after the other until told to stop; a send that fails may have been stored or not. */
class Lane {
  readonly acknowledged: string[] = []
  isOver = false
  readonly #driver: RocketmqDriver
  readonly #topic: string
  readonly #name: string

  constructor(driver: RocketmqDriver, topic: string, name: string) {
    this.#driver = driver
    this.#topic = topic
    this.#name = name
  }

  async run(): Promise<void> {
    for (let i = 0; !this.isOver; i++) {
      const text = `${this.#name}-${i}`
      const how = i % 3 === 0 ? 'async' : 'sync'
      try {
        const [sent] = await this.#driver.send(this.#topic, [{ body: Buffer.from(text) }], how)
        if (sent?.status === 'SEND_OK') this.acknowledged.push(text)
      } catch {
        // Nobody knows.
      }
    }
  }
}

async function killed(t: Test, { another, name, server }: OwnStage): Promise<void> {
  const topic = name('killed')
  const [sender, consumer] = [another(), another()]
  await sender.send(topic, [{ body: Buffer.from('first') }])
  await consumer.consume({ group: name('killed-group'), topic })
  const all = Array.from({ length: lanes }, (_, i) => new Lane(sender, topic, `lane${i}`))
  const running = Promise.all(all.map((lane) => lane.run()))
  const acknowledged = () => all.flatMap((lane) => lane.acknowledged)
  const count = () => all.reduce((sum, lane) => sum + lane.acknowledged.length, 0)
  for (let kill = 0; kill <= kills; kill++) {
    const enough = count() + sendsPerLife
    // The consumer's messages are looked at as they come; they come as long as sends are acknowledged.
    await consumer.until('sends are acknowledged', () => count() >= enough, 90_000)
    if (kill < kills) await server.restart('SIGKILL')
  }
  for (const lane of all) lane.isOver = true
  await running
  const waiting = acknowledged()
  const given = new Set<string>()
  let looked = 0
  // Asked at every message: what was looked at once is not looked at again.
  const isComplete = () => {
    for (; looked < consumer.given.length; looked++) given.add(`${consumer.given[looked]?.body}`)
    while (waiting.length > 0 && given.has(waiting.at(-1) as string)) waiting.pop()
    return waiting.length === 0
  }
  await consumer.until('all that was acknowledged was given', isComplete, 90_000)
  const missing = acknowledged().filter((text) => !given.has(text))
  t.same(missing, [])
  t.ok(count() >= sendsPerLife * (kills + 1))
  // In a queue an offset is one message for good.
  const seen = new Map<string, string>()
  for (const { queue, offset, uniqueKey } of consumer.given) {
    const before = seen.get(`${queue}/${offset}`)
    if (before !== undefined && before !== uniqueKey) t.fail(`${queue}/${offset} has changed`)
    seen.set(`${queue}/${offset}`, uniqueKey)
  }
}
