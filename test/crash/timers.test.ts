// Messages that wait while the server is killed again and again: each comes once, none before its time.
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { decodeMessages, isMessageFault } from '../../gateway/broker/translate/index.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import { type OwnServer, startIsthmus } from '../clients/server.ts'
import { ConnectionLost } from '../support/connect.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'

/** Kills while messages are sent, recalled and delivered; KILLS in the environment asks for more. */
const kills = Number(process.env.KILLS ?? 8)
const sendsPerLifeMax = 150
const lanes = 4
const delayMsMax = 4000
/** Delay level 1. */
const levelMs = 1000
/** A message that has not come so long after the last one was due never will. */
const lateMsMax = 20_000
const topic = 'timed'
const codes = { send: 310, pull: 11, recall: 370 } as const

t.setTimeout(60_000 + kills * 20_000)

const seed = seedOfRun
t.comment(`SEED=${seed} KILLS=${kills}`)
const random = new SeededRandom(seed)

interface Sent {
  readonly body: string
  /** It must not be stored in its topic before, ms. */
  readonly notBeforeMs: number
  isAcknowledged: boolean
  isRecalled: boolean
  mayBeRecalled: boolean
}

const all: Sent[] = []

function sendFields(properties: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(properties).map(([name, value]) => `${name}\u0001${value}\u0002`)
  const fixed = {
    a: 'p',
    b: topic,
    c: 'TBW102',
    d: '1',
    e: '0',
    f: '0',
    g: `${Date.now()}`,
    h: '0'
  }
  return { ...fixed, i: pairs.join(''), j: '0', k: 'false', m: 'false' }
}

/** Sends a message that comes later, and sometimes recalls it. */
async function sendOne(connection: RemotingConnection): Promise<void> {
  const delayMs = random.integer(delayMsMax)
  const isLevel = random.integer(3) === 0
  const properties: Record<string, string> = isLevel
    ? { DELAY: '1' }
    : { TIMER_DELAY_MS: `${delayMs}` }
  const one: Sent = {
    body: `${all.length}`,
    notBeforeMs: Date.now() + (isLevel ? levelMs : delayMs),
    isAcknowledged: false,
    isRecalled: false,
    mayBeRecalled: false
  }
  all.push(one)
  const sent = await connection.askFields(codes.send, sendFields(properties), Buffer.from(one.body))
  if (sent.code !== 0) throw new Error(`refused: ${sent.code} ${sent.remark}`)
  one.isAcknowledged = true
  const recallHandle = sent.fields.get('recallHandle')
  if (recallHandle === undefined || random.integer(4) > 0) return
  one.mayBeRecalled = true
  const recalled = await connection.askFields(codes.recall, {
    producerGroup: 'p',
    topic,
    recallHandle
  })
  one.isRecalled = recalled.code === 0
  if (!one.isRecalled) one.mayBeRecalled = false
}

/** Sends until so many were acknowledged, and kills the server right then, or stops it in order. */
async function sendAndKill(server: OwnServer): Promise<void> {
  const enough = all.length + 1 + random.integer(sendsPerLifeMax)
  const connection = await RemotingConnection.open(server.addresses.broker ?? '')
  let killed: Promise<void> | undefined
  const lane = async () => {
    try {
      while (killed === undefined) {
        await sendOne(connection)
        if (all.length >= enough) killed ??= server.stop('SIGKILL')
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  if (killed === undefined) throw new Error(`the server went away by itself\n${server.log}`)
  await killed
  connection.close()
}

interface Delivered {
  readonly body: string
  readonly storedMs: number
}

async function readAll(server: OwnServer): Promise<Delivered[]> {
  const connection = await RemotingConnection.open(server.addresses.broker ?? '')
  const found: Delivered[] = []
  try {
    for (;;) {
      const fields = {
        ...{ consumerGroup: 'g', topic, queueId: '0', queueOffset: `${found.length}` },
        ...{ maxMsgNums: '1000', sysFlag: '4', commitOffset: '0', suspendTimeoutMillis: '0' },
        ...{ subscription: '*', subVersion: '0', expressionType: 'TAG' }
      }
      const { code, body } = await connection.askFields(codes.pull, fields)
      if (code !== 0) return found
      const messages = decodeMessages(body)
      if (isMessageFault(messages)) throw new Error(messages.text)
      for (const { message, place } of messages) {
        found.push({ body: message.body.toString(), storedMs: place.storeTimestampMs })
      }
    }
  } finally {
    connection.close()
  }
}

/** Waits for what must come; then a while for what must not. */
async function untilAllCame(server: OwnServer): Promise<void> {
  const wanted = all.filter((one) => one.isAcknowledged && !one.mayBeRecalled)
  for (const deadlineMs = Date.now() + lateMsMax; Date.now() < deadlineMs; await setTimeout(250)) {
    const came = new Set((await readAll(server)).map(({ body }) => body))
    if (wanted.every(({ body }) => came.has(body))) break
  }
  await setTimeout(1000)
}

await t.test(`${kills} times kill -9 while messages wait`, async (t) => {
  const server = await startIsthmus()
  t.teardown(() => server.close())
  const { port } = server
  for (let i = 0; i < kills; i++) {
    await sendAndKill(server)
    server.options = ['--flush', random.pick(['sync', 'async']), '--segment-bytes', '262144']
    await setTimeout(random.integer(1500))
    await server.start(port)
  }
  const lastMs = Math.max(...all.map(({ notBeforeMs }) => notBeforeMs))
  await setTimeout(Math.max(0, lastMs - Date.now()))
  await untilAllCame(server)
  const delivered = new Map<string, number[]>()
  for (const { body, storedMs } of await readAll(server)) {
    delivered.set(body, [...(delivered.get(body) ?? []), storedMs])
  }
  const wrong: string[] = []
  for (const one of all) {
    const times = delivered.get(one.body) ?? []
    if (times.length > 1) wrong.push(`${one.body} came ${times.length} times`)
    const [storedMs = Number.POSITIVE_INFINITY] = times
    if (storedMs < one.notBeforeMs) wrong.push(`${one.body} ${one.notBeforeMs - storedMs} ms early`)
    if (times.length > 0 && one.isRecalled) wrong.push(`${one.body} was recalled and came`)
    const mustCome = one.isAcknowledged && !one.mayBeRecalled
    if (times.length === 0 && mustCome) wrong.push(`${one.body} never came`)
  }
  const count = (is: (one: Sent) => boolean) => all.filter(is).length
  const acknowledged = count(({ isAcknowledged }) => isAcknowledged)
  const recalled = count(({ isRecalled }) => isRecalled)
  t.comment(`${all.length} sent, ${acknowledged} acknowledged, ${recalled} recalled`)
  t.same(wrong, [])
  t.ok(acknowledged >= kills * 10 && recalled > 0, 'there was something to lose')
})
