/** A topic of many queues, one client's pulls held on all of them. */
import type { Test } from 'tap'
import { bodies, everyLanguage, heldMsMax, type OwnStage, type Scenario } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'a consumer holds the queues of a topic of many, and hears of each',
    languages: everyLanguage,
    own: true,
    run: many
  }
]

const queueCount = 128

async function many(t: Test, { another, name, kafka }: OwnStage): Promise<void> {
  const topic = name('wide')
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic, numPartitions: queueCount }] })
  await admin.disconnect()
  const driver = another()
  const messages = Array.from({ length: queueCount }, (_, queue) => ({
    body: Buffer.from(`m${queue}`),
    queue
  }))
  await driver.send(topic, messages)
  await driver.consume({ group: name('wide-group'), topic })
  await driver.until('each queue gave its message', () => driver.given.length >= queueCount)
  t.same(bodies(driver.given), bodies(messages))
  t.ok(driver.given.every(({ body, queue }) => body.toString() === `m${queue}`))
  for (const queue of [0, 77, queueCount - 1]) {
    const count = driver.given.length
    await driver.send(topic, [{ body: Buffer.from('held'), queue }])
    await driver.until('a held pull was answered', () => driver.given.length > count, heldMsMax)
    t.equal(driver.given.at(-1)?.queue, queue)
  }
}
