/** Where a group begins that has no place yet. Passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import { bodies, everyLanguage, numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'a group that is new to a young topic misses nothing, wherever it asks to begin',
    languages: everyLanguage,
    run: young
  }
]

const wheres = ['CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_LAST_OFFSET'] as const

async function young(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  await driver.send(name('young'), numbered(10))
  for (const from of wheres) {
    const consumer = another()
    await consumer.consume({ group: name(`young-${from}`), topic: name('young'), from })
    await consumer.until('all were given', () => consumer.given.length >= 10)
    t.same(bodies(consumer.given), bodies(numbered(10)), from)
  }
}
