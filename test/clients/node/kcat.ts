/** kcat (librdkafka) behind the line protocol of ../README.md: one kcat process a call. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import kafkajs from 'kafkajs'
import type { OffsetOf, WireRecord } from '../wire.ts'
import { parseRecords, recordFormat } from './kcat-output.ts'
import { arrivalQueue, bootstrapAddress, serve, tell, toBytes } from './serve.ts'

const keyDelimiter = '\x1e-key-\x1e'
const recordDelimiter = '\x1e-record-\x1e'
const outputBytesMax = 64 * 1024 * 1024
/** How often the committed offsets of a member are asked for, since kcat does not tell. */
const committedEveryMs = 100

const arrived = arrivalQueue<WireRecord>()
let readers: ChildProcess[] = []
let member: ChildProcess | undefined
let watching: NodeJS.Timeout | undefined

const kafka = new kafkajs.Kafka({
  brokers: [bootstrapAddress()],
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { retries: 10 }
})
const admin = kafka.admin()

function kcat(words: readonly string[], input?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'kcat',
      ['-b', bootstrapAddress(), ...words],
      { maxBuffer: outputBytesMax },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${error}\n${stderr}`)) : resolve(stdout)
    )
    child.stdin?.end(input)
  })
}

interface TopicListing {
  topics: { topic: string; error?: string; partitions: { partition: number }[] }[]
}

async function listing(words: readonly string[]): Promise<TopicListing> {
  return JSON.parse(await kcat(['-L', '-J', ...words])) as TopicListing
}

async function partitionsOf(topic: string): Promise<number[]> {
  const { topics } = await listing(['-t', topic])
  return topics[0]?.partitions.map(({ partition }) => partition) ?? []
}

async function offsetsAt(topic: string, time: number): Promise<OffsetOf> {
  const asked = (await partitionsOf(topic)).flatMap((p) => ['-t', `${topic}:${p}:${time}`])
  const lines = (await kcat(['-Q', ...asked])).trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const found = /\[(\d+)\] offset (-?\d+)/.exec(line)
      if (!found) throw new Error(`not an offset: ${line}`)
      return [found[1], Number(found[2])]
    })
  )
}

/** Sends one record; kcat takes key and value from its input, headers from its command line. */
async function send(topic: string, codec: string, record: WireRecord): Promise<void> {
  const key = toBytes(record.key)
  const value = toBytes(record.value)
  const words = ['-P', '-t', topic, '-p', String(record.partition), '-D', recordDelimiter]
  words.push('-X', 'message.max.bytes=1048588', '-X', 'enable.idempotence=true')
  if (codec !== 'none') words.push('-z', codec)
  if (key) words.push('-K', keyDelimiter)
  // With -Z an empty value is sent as null.
  if (!value) words.push('-Z')
  for (const [name, bytes] of record.headers) words.push('-H', `${name}=${toBytes(bytes) ?? ''}`)
  const before = key ? [key, Buffer.from(keyDelimiter)] : []
  const after = Buffer.from(recordDelimiter)
  await kcat(words, Buffer.concat([...before, value ?? Buffer.alloc(0), after]))
}

function startReader(
  words: readonly string[],
  give: (records: WireRecord[]) => void
): ChildProcess {
  const child = spawn(
    'kcat',
    ['-b', bootstrapAddress(), '-u', '-E', '-f', recordFormat, ...words],
    {
      stdio: ['ignore', 'pipe', 'pipe']
    }
  )
  const parse = parseRecords()
  child.stdout?.on('data', (chunk: Buffer) => {
    const records = parse(chunk)
    if (records.length > 0) give(records)
  })
  return child
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.on('close', () => resolve())
    child.kill('SIGTERM')
  })
}

/** Tells the assignments that kcat reports on its standard error. */
function tellAssignments(child: ChildProcess): void {
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text)
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const found = /rebalanced \(memberid [^)]*\): (assigned|revoked): (.*)/.exec(line)
      if (!found) continue
      const named = [...(found[2] ?? '').matchAll(/\[(\d+)\]/g)].map((one) => Number(one[1]))
      tell({ event: 'assigned', partitions: found[1] === 'assigned' ? named : [] })
    }
  })
}

/** kcat commits by itself and says nothing: what the server has committed is asked for through kafkajs. */
async function watchCommitted(topic: string, group: string): Promise<void> {
  try {
    const of = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    const known = of[0]?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? []
    const offsets = known.map(({ partition, offset }) => [partition, Number(offset)])
    tell({ event: 'committed', offsets: Object.fromEntries(offsets) })
  } catch {
    // The server may be down just now.
  }
  if (member) watching = setTimeout(() => void watchCommitted(topic, group), committedEveryMs)
}

// A driver that is killed must not leave its kcat behind as a living member; one that ends neither.
process.on('exit', () => {
  for (const child of [...readers, ...(member ? [member] : [])]) child.kill('SIGKILL')
})

await serve({
  'create-topic': async ({ topic, partitions }) => {
    for (let i = 0; i < 100; i++) {
      await listing(['-t', topic, '-X', 'allow.auto.create.topics=true'])
      if ((await partitionsOf(topic)).length === partitions) return {}
    }
    throw new Error(`${topic} was not made with ${partitions} partitions`)
  },
  'list-topics': async () => ({ topics: (await listing([])).topics.map(({ topic }) => topic) }),
  'describe-topic': async ({ topic }) => ({ partitions: (await partitionsOf(topic)).length }),
  produce: async ({ topic, codec, records }) => {
    for (const record of records) await send(topic, codec, record)
    return { offsets: null }
  },
  open: async ({ topic, from }) => {
    const positions = await offsetsAt(topic, from === 'end' ? -1 : -2)
    arrived.clear()
    readers = Object.entries(positions).map(([partition, offset]) =>
      startReader(['-C', '-t', topic, '-p', partition, '-o', String(offset)], (records) =>
        arrived.push(...records)
      )
    )
    return { positions }
  },
  take: async ({ count, timeoutMs }) => ({ records: await arrived.take(count, timeoutMs) }),
  close: async () => {
    await Promise.all(readers.map(stop))
    readers = []
    return {}
  },
  join: async ({ topic, group, sessionTimeoutMs }) => {
    const settings = [
      `session.timeout.ms=${sessionTimeoutMs}`,
      'heartbeat.interval.ms=1000',
      'auto.offset.reset=earliest',
      'auto.commit.interval.ms=100',
      'topic.metadata.refresh.interval.ms=1000'
    ]
    await admin.connect()
    const words = ['-G', group, ...settings.flatMap((setting) => ['-X', setting]), topic]
    member = startReader(words, (records) => tell({ event: 'records', records }))
    tellAssignments(member)
    void watchCommitted(topic, group)
    return {}
  },
  leave: async () => {
    const left = member
    member = undefined
    clearTimeout(watching)
    if (left) await stop(left)
    await admin.disconnect()
    return {}
  }
})
