/** The pull consumer of RocketMQ's Go client. Passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import type { GivenMessage, RocketmqDriver } from '../driver.ts'
import { bodies, numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'a pull consumer polls, acknowledges and goes on there',
    languages: ['go'],
    run: polls
  }
]

async function poll(driver: RocketmqDriver, count: number): Promise<{ body: Buffer }[]> {
  const given = (await driver.ask('Pullers.poll', { count, timeoutMs: 30_000 })) as GivenMessage[]
  return given.map(({ body }) => ({ body: Buffer.from(`${body}`, 'base64') }))
}

async function polls(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('go-pulled'), name('go-pulled-group')]
  const driver = another()
  await driver.send(topic, numbered(20))
  await driver.ask('Pullers.start', { group, topic })
  t.same(bodies(await poll(driver, 20)), bodies(numbered(20)))
  await driver.send(topic, numbered(4, 'more'))
  t.same(bodies(await poll(driver, 4)), bodies(numbered(4, 'more')), 'a held pull was answered')
  await driver.ask('Pullers.stop')
  await driver.end()
  const after = another()
  await after.send(topic, numbered(4, 'later'))
  await after.ask('Pullers.start', { group, topic })
  t.same(bodies(await poll(after, 4)), bodies(numbered(4, 'later')), 'nothing a second time')
}
