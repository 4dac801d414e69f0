import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  toKafkaGroupName,
  toKafkaTopicName,
  toRocketmqGroupName,
  toRocketmqTopicName
} from '../../gateway/broker/names.ts'
import { docsFolder } from './page-check.ts'

const page = readFileSync(new URL('mapping.md', docsFolder), 'utf8')

/** Rows of the table of examples: Kafka's name, RocketMQ's name, what it is the name of. */
function examples(): [kafka: string, rocketmq: string, what: string][] {
  const rows = page.split('\n').filter((line) => /^\| `.*` \| `.*` \|/.test(line))
  return rows.map((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
    const [kafka = '', rocketmq = '', what = ''] = cells.slice(1)
    return [kafka.slice(1, -1), rocketmq.slice(1, -1), what]
  })
}

t.test("docs/mapping.md's examples of names are true", async (t) => {
  const all = examples()
  t.ok(all.length >= 10, 'the examples were found')
  for (const [kafka, rocketmq, what] of all) {
    t.match(what, /^(topic|group)/, `${kafka} is said to be a topic's or a group's`)
    if (what.startsWith('topic')) {
      t.equal(toRocketmqTopicName(kafka), rocketmq)
      t.equal(toKafkaTopicName(rocketmq), kafka)
    }
    if (what.startsWith('group') || what.startsWith('topic or group')) {
      t.equal(toRocketmqGroupName(kafka), rocketmq)
      t.equal(toKafkaGroupName(rocketmq), kafka)
    }
  }
})
