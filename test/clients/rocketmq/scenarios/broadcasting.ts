/** Consumers of which each gets everything. Passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import { bodies, everyLanguage, numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'broadcasting gives each member all of it', languages: everyLanguage, run: toEach },
  { name: 'a broadcasting member goes on where it was, by its own file', run: goesOn }
]

async function toEach(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('cast'), name('cast-group')]
  const [one, two] = [another(), another()]
  await one.send(topic, numbered(12))
  for (const driver of [one, two]) await driver.consume({ group, topic, model: 'BROADCASTING' })
  for (const driver of [one, two]) {
    await driver.until('all were given', () => driver.given.length >= 12)
  }
  await one.send(topic, numbered(8, 'later'))
  for (const driver of [one, two]) {
    await driver.until('the later ones too', () => driver.given.length >= 20)
    t.same(bodies(driver.given), bodies([...numbered(12), ...numbered(8, 'later')]))
  }
}

async function goesOn(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('recast'), name('recast-group')]
  const options = { group, topic, model: 'BROADCASTING', instance: name('same') } as const
  const driver = another()
  await driver.send(topic, numbered(12))
  await driver.consume(options)
  await driver.until('all were given', () => driver.given.length >= 12)
  await driver.stop()
  const after = another()
  await after.send(topic, numbered(4, 'later'))
  await after.consume(options)
  await after.until('the later ones were given', () => after.given.length >= 4)
  t.same(bodies(after.given), bodies(numbered(4, 'later')))
}
