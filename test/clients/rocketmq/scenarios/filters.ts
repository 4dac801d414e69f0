/** SQL92 filters: what they mean, and consumers that have them. */
import type { Test } from 'tap'
import { chooseSeed, seededRandom } from '../../random.ts'
import { Expressions, judge } from '../expressions.ts'
import type { Scenario, Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: "expressions mean what RocketMQ's own evaluator says", since: 5, run: sameMeaning }
]

const rounds = 20
const textsPerRound = 500
const messagesPerRound = 20

/** Needs no server: RocketMQ's library is asked in the driver's process. */
async function sameMeaning(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const seed = chooseSeed()
  t.comment(`SEED=${seed}`)
  const made = new Expressions(seededRandom(seed))
  const seen = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const texts = Array.from({ length: textsPerRound }, () => made.text())
    const properties = Array.from({ length: messagesPerRound }, () => made.properties())
    const wanted = (await driver.ask('Filters.judge', { texts, properties })) as (string | null)[]
    for (const [i, text] of texts.entries()) {
      const verdicts = judge(text, properties)
      for (const verdict of verdicts ?? '-') seen.set(verdict, (seen.get(verdict) ?? 0) + 1)
      if (verdicts === wanted[i]) continue
      t.equal(verdicts, wanted[i], `${JSON.stringify(text)} for ${JSON.stringify(properties)}`)
      return
    }
  }
  for (const verdict of 'TFNX-') t.ok((seen.get(verdict) ?? 0) > 300, `${verdict} was looked at`)
}
