/** The lite pull consumer. Passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import type { GivenMessage, RocketmqDriver } from '../driver.ts'
import { bodies, numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'a lite pull consumer that subscribes goes on where it committed', run: subscribed },
  { name: 'a lite pull consumer seeks to offsets, times, begin and end', run: seeking }
]

/** Bodies arrive as base64. */
async function poll(
  driver: RocketmqDriver,
  count: number,
  timeoutMs = 30_000
): Promise<GivenMessage[]> {
  const given = (await driver.ask('LitePull.poll', { count, timeoutMs })) as GivenMessage[]
  return given.map((one) => ({ ...one, body: Buffer.from(`${one.body}`, 'base64') }))
}

async function subscribed(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('lite'), name('lite-group')]
  const driver = another()
  await driver.send(topic, numbered(20))
  await driver.ask('LitePull.start', { group, topic, subscription: '*' })
  t.same(bodies(await poll(driver, 20)), bodies(numbered(20)))
  await driver.ask('LitePull.commit')
  await driver.ask('LitePull.stop')
  const after = another()
  await after.send(topic, numbered(4, 'later'))
  await after.ask('LitePull.start', { group, topic, subscription: '*', autoCommit: true })
  t.same(bodies(await poll(after, 4)), bodies(numbered(4, 'later')), 'nothing a second time')
  // It commits by itself once a second, whenever it polls.
  t.same(await poll(after, 1, 2500), [])
  await after.ask('LitePull.stop')
  const last = another()
  await last.send(topic, numbered(4, 'last'))
  await last.ask('LitePull.start', { group, topic, subscription: '*' })
  t.same(bodies(await poll(last, 4)), bodies(numbered(4, 'last')))
}

async function seeking(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('sought'), name('sought-group')]
  const driver = another()
  const messages = numbered(10).map((one) => ({ ...one, queue: 1 }))
  await driver.send(topic, messages)
  await driver.send(topic, [{ body: Buffer.from('of another queue'), queue: 2 }])
  const started = await driver.ask('LitePull.start', { group, topic, queues: [1] })
  t.same(started, { queues: 4 })
  const texts = async (count: number) =>
    (await poll(driver, count)).map(({ body }) => body.toString())
  const wanted = messages.map(({ body }) => body.toString())
  const all = await poll(driver, 10)
  t.same(
    all.map(({ body }) => body.toString()),
    wanted
  )
  await driver.ask('LitePull.seek', { queue: 1, offset: 4 })
  t.same(await texts(6), wanted.slice(4))
  await driver.ask('LitePull.seek', { queue: 1, to: 'begin' })
  t.same(await texts(10), wanted)
  const storedMs = all[7]?.storedMs ?? 0
  const first = all.findIndex((one) => one.storedMs >= storedMs)
  const sought = await driver.ask('LitePull.seek', { queue: 1, timestamp: storedMs })
  t.same(sought, { offset: first })
  t.same(await texts(10 - first), wanted.slice(first))
  await driver.ask('LitePull.commit')
  t.same(await driver.ask('LitePull.committed', { queue: 1 }), { offset: 10 })
  await driver.ask('LitePull.seek', { queue: 1, offset: 0 })
  await driver.ask('LitePull.seek', { queue: 1, to: 'end' })
  await driver.send(topic, [{ body: Buffer.from('new'), queue: 1 }])
  t.same(await texts(1), ['new'])
}
