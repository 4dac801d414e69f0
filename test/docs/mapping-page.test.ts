import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  toKafkaGroupName,
  toKafkaTopicName,
  toRocketmqGroupName,
  toRocketmqTopicName
} from '../../gateway/broker/names.ts'
import { propertiesOfRecord } from '../../gateway/broker/translate/kafka-properties.ts'
import { propertyMap } from '../../gateway/broker/translate/properties.ts'
import { docsFolder } from './page-check.ts'

const page = readFileSync(new URL('mapping.md', docsFolder), 'utf8')

/** Rows of the table of examples: Kafka's name, RocketMQ's name, what it is the name of. */
function examples(): [kafka: string, rocketmq: string, what: string][] {
  const names = page.split('\n## ').find((part) => part.startsWith('Names')) ?? ''
  const rows = names.split('\n').filter((line) => /^\| `.*` \| `.*` \|/.test(line))
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

/** `name=value, name=value` as pairs; a value in parentheses is null or hexadecimal. */
function pairsIn(cell: string): { name: Buffer; value: Buffer | null }[] {
  return cell.split(', ').map((pair) => {
    const [name = '', text = ''] = pair.split(/=(.*)/s)
    const hex = /^\(([0-9A-F]+)\)$/.exec(text)?.[1]
    const value = hex === undefined ? Buffer.from(text) : Buffer.from(hex, 'hex')
    return { name: Buffer.from(name), value: text === '(null)' ? null : value }
  })
}

t.test("docs/mapping.md's examples of headers are true", async (t) => {
  const table = page.split('| header | property | |\n|---|---|---|\n')[1]?.split('\n\n')[0] ?? ''
  const rows = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  t.ok(rows.length >= 9, 'the examples were found')
  for (const [, headers = '', properties = ''] of rows) {
    const record = { key: null, value: Buffer.from('v'), headers: pairsIn(headers) }
    const said = pairsIn(properties).map(({ name, value }) => [`${name}`, `${value}`])
    const map = propertyMap(propertiesOfRecord(record, 'id', 32_767))
    map.delete('UNIQ_KEY')
    t.same([...map], said, headers)
  }
})
