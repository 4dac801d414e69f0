/** Subscriptions that change while the consumer runs. Passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import { everyLanguage, repeatUntil, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'a running consumer changes its tags, and takes in another topic', run: changing },
  {
    name: 'members of one group that come later bring its filter with them',
    languages: everyLanguage,
    run: replaced
  }
]

const queues = [0, 1, 2, 3]

function round(text: string, tag: string): { body: Buffer; tag: string; queue: number }[] {
  return queues.map((queue) => ({ body: Buffer.from(text), tag, queue }))
}

async function changing(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, group, topic] = [another(), name('changing-group'), name('changing')]
  const texts = () => driver.given.map(({ body }) => body.toString())
  await driver.send(topic, round('first', 'A'))
  await driver.send(name('changing-too'), round('before', 'A'))
  await driver.consume({ group, topic, subscription: 'A' })
  await driver.until('the first were given', () => texts().length === 4)
  await driver.ask('Consumers.subscribe', { topic, subscription: 'B' })
  // A pull that is held already passes by what it was not asked for.
  const wanted = () => driver.given.filter(({ body }) => body.toString() === 'wanted')
  const isTold = () => new Set(wanted().map(({ queue }) => queue)).size === queues.length
  await repeatUntil(isTold, () => driver.send(topic, round('wanted', 'B')))
  await driver.until('each queue gives the new tag', isTold)
  await driver.send(topic, round('unwanted', 'A'))
  await driver.send(topic, round('last', 'B'))
  await driver.until('the last were given', () => count(texts(), 'last') === queues.length)
  t.notOk(texts().includes('unwanted'))
  await driver.ask('Consumers.subscribe', { topic: name('changing-too'), subscription: '*' })
  // The topic has a route at the client once it has asked for it; then its queues are divided.
  const isRead = () => count(texts(), 'before') === queues.length
  await repeatUntil(isRead, () => driver.ask('Consumers.rebalance'))
  await driver.until('the other topic is read', isRead)
  await driver.send(topic, round('still', 'B'))
  await driver.until('the first is read on', () => count(texts(), 'still') === queues.length)
}

function count(texts: readonly string[], text: string): number {
  return texts.filter((one) => one === text).length
}

async function replaced(t: Test, { another, name }: Stage): Promise<void> {
  const [group, topic] = [name('replaced-group'), name('replaced')]
  const one = another()
  await one.send(topic, [...round('a', 'A'), ...round('b', 'B')])
  await one.consume({ group, topic, subscription: 'A' })
  await one.until('the first were given', () => one.given.length >= 4)
  await one.stop()
  await one.end()
  const two = another()
  await two.send(topic, [...round('later a', 'A'), ...round('later b', 'B')])
  await two.consume({ group, topic, subscription: 'B' })
  await two.until('the later ones were given', () => two.given.length >= 4)
  t.same([...new Set(one.given.map(({ body }) => body.toString()))], ['a'])
  // The consumer before passed over the first of B, or had not come that far: nobody promised them.
  const texts = two.given.map(({ body }) => body.toString())
  t.same([...new Set(texts)].filter((text) => text !== 'b').sort(), ['later b'])
}
