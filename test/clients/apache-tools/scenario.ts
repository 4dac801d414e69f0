import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { RunTool } from './tools.ts'

const count = 200
const lineOf = (i: number): string => `key${i % 17}:value ${i} größe`

/** One topic and one group through a life, each step by another tool. */
export async function playTools(t: Test, run: RunTool, mark: string): Promise<void> {
  const topic = `tools-${mark}`
  const group = `tools-group-${mark}`
  await t.test('topics: create, list, describe', (t) => checkTopics(t, run, topic))
  await t.test('console-producer and console-consumer', (t) => checkConsole(t, run, topic, group))
  await t.test('consumer-groups: lag, state, reset', (t) => checkGroups(t, run, topic, group))
  await t.test('get-offsets', (t) => checkOffsets(t, run, topic))
  await t.test('delete-records and log-dirs', (t) => checkLogStarts(t, run, topic))
  await t.test('configs: describe and alter', (t) => checkConfigs(t, run, topic))
  await t.test('topics: more partitions, delete', (t) => checkDeletion(t, run, topic))
  await t.test('broker-api-versions', async (t) => {
    const { lines } = await run('api-versions', [])
    for (const api of ['Produce(0): 0 to', 'Fetch(1): 4 to', 'ApiVersions(18): 0 to']) {
      t.ok(
        lines.some((line) => line.includes(api) && line.includes('[usable:')),
        `${api} ...`
      )
    }
  })
}

async function checkTopics(t: Test, run: RunTool, topic: string): Promise<void> {
  const create = ['--create', '--topic', topic, '--partitions', '4', '--config', 'retention.ms=-1']
  const created = await run('topics', create)
  t.ok(created.lines.includes(`Created topic ${topic}.`), 'it says so')
  const again = await run('topics', create).catch((error: Error) => error.message)
  t.match(again, /TopicExistsException/, 'a second time it refuses')
  const listed = await run('topics', ['--list'])
  t.ok(listed.lines.includes(topic), 'listed')
  const { lines } = await run('topics', ['--describe', '--topic', topic])
  const head = /TopicId: ([\w-]{22})\s+PartitionCount: 4\s+ReplicationFactor: 1\s+Configs:.*/
  t.match(lines[0], head, 'id, counts')
  t.match(lines[0], /retention\.ms=-1/, 'the configuration given')
  const rows = lines.slice(1).map((line) => /Partition: (\d+)\s+Leader: (\d+)/.exec(line)?.[1])
  t.same(rows, ['0', '1', '2', '3'], 'each partition has a leader')
}

async function checkConsole(t: Test, run: RunTool, topic: string, group: string): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => lineOf(i))
  const separate = ['--property', 'parse.key=true', '--property', 'key.separator=:']
  const produce = ['--topic', topic, ...separate]
  const half = count / 2
  await run('console-producer', produce, `${lines.slice(0, half).join('\n')}\n`)
  const packed = [...produce, '--compression-codec', 'zstd']
  await run('console-producer', packed, `${lines.slice(half).join('\n')}\n`)

  const print = ['key', 'partition', 'offset'].flatMap((what) => [
    '--property',
    `print.${what}=true`
  ])
  const consume = ['--topic', topic, '--group', group, '--from-beginning', ...print]
  const most = ['--max-messages', String(count), '--timeout-ms', '30000']
  const { lines: out } = await run('console-consumer', [...consume, ...most])
  const records = out.map((line) => {
    const [partition, offset, key, value] = line.split('\t')
    return { partition, offset: Number(offset?.slice('Offset:'.length)), line: `${key}:${value}` }
  })
  t.same(records.map(({ line }) => line).sort(), [...lines].sort(), 'every record, once')
  for (let p = 0; p < 4; p++) {
    const mine = records.filter(({ partition }) => partition === `Partition:${p}`)
    t.same(
      mine.map(({ offset }) => offset),
      mine.map((_, i) => i),
      `partition ${p}: dense offsets, in order`
    )
    const keys = new Set(mine.map(({ line }) => line.split(':')[0]))
    for (const key of keys) {
      const got = mine.filter(({ line }) => line.startsWith(`${key}:`)).map(({ line }) => line)
      const sent = lines.filter((line) => line.startsWith(`${key}:`))
      if (got.join() !== sent.join()) t.same(got, sent, `the records of ${key} keep their order`)
    }
  }
}

/** The table of consumer-groups --describe: partition to [current offset, end, lag]. */
function lagOf(lines: readonly string[], group: string, topic: string): Record<string, number[]> {
  const rows = lines
    .map((line) => line.split(/\s+/))
    .filter(([g, of]) => g === group && of === topic)
  return Object.fromEntries(rows.map(([, , p, ...numbers]) => [p, numbers.slice(0, 3).map(Number)]))
}

async function checkGroups(t: Test, run: RunTool, topic: string, group: string): Promise<void> {
  const listed = await run('groups', ['--list'])
  t.ok(listed.lines.includes(group), 'listed')
  const ofGroup = ['--describe', '--group', group]
  const before = lagOf((await run('groups', ofGroup)).lines, group, topic)
  t.equal(Object.keys(before).length, 4, 'a row for each partition')
  const ends = Object.values(before).map(([, end = 0]) => end)
  t.equal(
    ends.reduce((a, b) => a + b, 0),
    count,
    'the ends add up to what was sent'
  )
  for (const [p, [current, end, lag]] of Object.entries(before)) {
    t.same([current, lag], [end, 0], `partition ${p}: everything is committed`)
  }
  const more = Array.from({ length: 30 }, (_, i) => `more ${i}`)
  await run('console-producer', ['--topic', topic], `${more.join('\n')}\n`)
  const after = lagOf((await run('groups', ofGroup)).lines, group, topic)
  const lags = Object.values(after).map(([, , lag = 0]) => lag)
  t.equal(
    lags.reduce((a, b) => a + b, 0),
    more.length,
    'the lag is what was sent since'
  )
  const { lines: state } = await run('groups', [...ofGroup, '--state'])
  t.ok(
    state.some((line) => line.startsWith(group) && /\sEmpty\s+0$/.test(line)),
    'state Empty without members'
  )
  const reset = [
    '--reset-offsets',
    '--group',
    group,
    '--topic',
    topic,
    '--to-earliest',
    '--execute'
  ]
  await run('groups', reset)
  const again = lagOf((await run('groups', ofGroup)).lines, group, topic)
  for (const [p, [current, end, lag]] of Object.entries(again)) {
    t.same([current, lag], [0, end], `partition ${p}: set back to the beginning`)
  }
}

async function checkOffsets(t: Test, run: RunTool, topic: string): Promise<void> {
  const total = async (time: string): Promise<number> => {
    const { lines } = await run('get-offsets', ['--topic', topic, '--time', time])
    t.same(
      lines.map((line) => line.split(':').slice(0, 2).join(':')),
      [0, 1, 2, 3].map((p) => `${topic}:${p}`),
      `${time}: a line for each partition`
    )
    return lines.reduce((sum, line) => sum + Number(line.split(':')[2]), 0)
  }
  t.equal(await total('latest'), count + 30, 'latest')
  t.equal(await total('earliest'), 0, 'earliest')
}

/** Sizes of the topic's partitions as log-dirs prints them. */
async function sizesOf(run: RunTool, topic: string): Promise<Record<string, number>> {
  const { lines } = await run('log-dirs', ['--describe', '--topic-list', topic])
  const { brokers } = JSON.parse(lines.find((line) => line.startsWith('{')) ?? '{}') as LogDirs
  const partitions = brokers?.[0]?.logDirs[0]?.partitions ?? []
  return Object.fromEntries(partitions.map(({ partition, size }) => [partition, size]))
}

interface LogDirs {
  brokers?: { logDirs: { partitions: { partition: string; size: number }[] }[] }[]
}

async function checkLogStarts(t: Test, run: RunTool, topic: string): Promise<void> {
  const before = await sizesOf(run, topic)
  t.same(
    Object.keys(before).sort(),
    [0, 1, 2, 3].map((p) => `${topic}-${p}`)
  )
  t.ok((before[`${topic}-0`] ?? 0) > 0, 'partition 0 has bytes')
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-tools-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'offsets.json')
  const partitions = [{ topic, partition: 0, offset: -1 }]
  await writeFile(file, JSON.stringify({ partitions, version: 1 }))
  const deleted = await run('delete-records', ['--offset-json-file', file])
  const low = deleted.lines.map((line) => /partition: (\S+)\s+low_watermark: (\d+)/.exec(line))
  const mine = low.find((found) => found?.[1] === `${topic}-0`)
  t.ok(Number(mine?.[2]) > 0, 'it tells the new beginning')
  const { lines } = await run('get-offsets', ['--topic', topic, '--time', 'earliest'])
  t.ok(lines.includes(`${topic}:0:${mine?.[2]}`), 'and others see it')
  t.same(await sizesOf(run, topic), { ...before, [`${topic}-0`]: 0 })
}

async function checkConfigs(t: Test, run: RunTool, topic: string): Promise<void> {
  const entity = ['--entity-type', 'topics', '--entity-name', topic]
  const all = await run('configs', ['--describe', '--all', ...entity])
  for (const name of ['max.message.bytes', 'cleanup.policy', 'retention.ms', 'segment.bytes']) {
    t.ok(
      all.lines.some((line) => line.trim().startsWith(`${name}=`)),
      `${name} is described`
    )
  }
  await run('configs', ['--alter', '--add-config', 'max.message.bytes=2000', ...entity])
  const { lines } = await run('configs', ['--describe', ...entity])
  t.ok(
    lines.some((line) => line.trim().startsWith('max.message.bytes=2000 ')),
    'what was set is described'
  )
  const large = await run('console-producer', ['--topic', topic], `${'x'.repeat(5000)}\n`)
  t.match(large.lines.join('\n') + large.stderr, /RecordTooLargeException/, 'and obeyed')
}

async function checkDeletion(t: Test, run: RunTool, topic: string): Promise<void> {
  await run('topics', ['--alter', '--topic', topic, '--partitions', '6'])
  const { lines } = await run('topics', ['--describe', '--topic', topic])
  t.match(lines[0], /PartitionCount: 6/, 'six partitions')
  await run('topics', ['--delete', '--topic', topic])
  const { lines: left } = await run('topics', ['--list'])
  t.notOk(left.includes(topic), 'gone')
}
