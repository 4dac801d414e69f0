import { writeFileSync } from 'node:fs'
import { SeededRandom } from '../support/seeded-random.ts'
import { rocketmqClients } from './rocketmq/clients.ts'
import { RocketmqDriver } from './rocketmq/driver.ts'
import { Expressions } from './rocketmq/expressions.ts'

/*
 * What RocketMQ's own evaluator says of expressions made at random, for the tests that have no Java:
 *
 * node dist/test/clients/capture-filters.js OUT
 */

const [out] = process.argv.slice(2)
if (out === undefined) throw new Error('wanted: a file to write')
const textsAsked = 4000
const takenMax = 450
const refusedMax = 250
const messages = 12
/** Longer ones say nothing that short ones do not. */
const textLengthMax = 160

const client = await rocketmqClients['rocketmq-5.3.3']?.()
if (client === undefined) throw new Error('no such client')
const driver = new RocketmqDriver(client, '')
const made = new Expressions(new SeededRandom(92))
const properties = Array.from({ length: messages }, () => made.properties())
const texts: string[] = []
while (texts.length < textsAsked) {
  const text = made.text()
  if (text.length <= textLengthMax) texts.push(text)
}
const verdicts = (await driver.ask('Filters.judge', { texts, properties })) as (string | null)[]
await driver.end()
const all = texts.map((text, i) => [text, verdicts[i]] as const)
const taken = all.filter(([, verdict]) => verdict !== null).slice(0, takenMax)
const refused = all.filter(([, verdict]) => verdict === null).slice(0, refusedMax)
const lines = [...taken, ...refused].map((one) => JSON.stringify(one))
const from = `"from": ${JSON.stringify('rocketmq-filter 5.3.3, by test/clients/capture-filters.ts')}`
const messageLines = properties.map((one) => JSON.stringify(one)).join(',\n')
writeFileSync(
  out,
  `{${from},\n"properties": [\n${messageLines}\n],\n"verdicts": [\n${lines.join(',\n')}\n]}\n`
)
process.exit(0)
