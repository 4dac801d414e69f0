import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeCommand } from '../../gateway/rocketmq/codec/index.ts'
import { requestNameOf } from '../../gateway/rocketmq/request-codes.ts'
import { responseCodes } from '../../gateway/rocketmq/response-codes.ts'
import { hexText, startTee } from '../support/capture.ts'
import { type Exchange, ExchangeLog, pickExchanges } from '../support/rocketmq-exchanges.ts'

/*
 * Captures RocketMQ fixtures from real clients talking to a real RocketMQ through two tee proxies:
 *
 * node dist/test/clients/capture-rocketmq.js NAMESRV-PORT TEE-PORT BROKER-PORT JARS-4.9 JARS-5.3 GO-PROGRAM OUT
 *
 * The broker must listen on 127.0.0.1 and say that it is 127.0.0.2 (bindAddress, brokerIP1): there a proxy listens
 * on the same port. CLIENTS=java-binary,... captures these alone, CODES=43,... these requests. JARS-... are folders with the jars of the poms in rocketmq/ and that folder's Java programs, compiled.
 * What RocketMQ's own decoder reads in the frames is then written beside them by rocketmq/FrameFacts.java.
 */

/** Exchanges larger than this are taken only where there is no smaller one. */
const exchangeBytesMax = 6000

const [namesrvPort, teePort, brokerPort, jars4, jars5, goProgram, out] = process.argv.slice(2)
if (out === undefined) throw new Error('wanted: see the top of capture-rocketmq.ts')

const log = new ExchangeLog()
await startTee({
  brokerPort: Number(namesrvPort),
  port: Number(teePort),
  onFrame: (frame) => log.take('namesrv', frame)
})
await startTee({
  brokerPort: Number(brokerPort),
  host: '127.0.0.2',
  port: Number(brokerPort),
  onFrame: (frame) => log.take('broker', frame)
})
const namesrv = `127.0.0.1:${teePort}`
const broker = `127.0.0.2:${brokerPort}`

const opens = '--add-opens=java.base/java.nio=ALL-UNNAMED'
const java = (jars: string, ...words: string[]) => [
  'java',
  '-Xmx256m',
  opens,
  '-cp',
  jars,
  ...words
]

const clients: Record<string, { readonly who: string; readonly command: readonly string[] }> = {
  'java-4.9': { who: 'rocketmq-client 4.9.8', command: java(jars4!, 'Capture', namesrv) },
  'java-5.3': { who: 'rocketmq-client 5.3.3', command: java(jars5!, 'Capture', namesrv) },
  'java-binary': {
    who: 'rocketmq-client 5.3.3 with -Drocketmq.serialize.type=ROCKETMQ',
    command: java(jars5!, '-Drocketmq.serialize.type=ROCKETMQ', 'Capture', namesrv)
  },
  tools: { who: 'mqadmin 5.3.3', command: java(jars5!, 'CaptureTools', namesrv, broker) },
  go: { who: 'rocketmq-client-go 2.1.2', command: [goProgram!, namesrv, broker] }
}
const codes = process.env.CODES?.split(',')
const chosen = process.env.CLIENTS?.split(',') ?? Object.keys(clients)

for (const label of chosen) {
  console.log(label)
  log.label = label
  const [program, ...words] = clients[label]!.command
  await new Promise<void>((resolve) => {
    const child = spawn(program!, words, { stdio: 'inherit' })
    child.on('exit', () => resolve())
  })
}

mkdirSync(out, { recursive: true })
const today = new Date().toISOString().slice(0, 10)
const told = new Set<string>()
for (const exchange of pickExchanges(log.exchanges, exchangeBytesMax)) write(exchange)
console.log(`${log.exchanges.length} exchanges seen`)
process.exit(0)

function write({ client, code, from, request, response }: Exchange): void {
  if (codes !== undefined && !codes.includes(String(code))) return
  const name = requestNameOf(code)
  if (name === 'UNKNOWN') {
    console.log(`${client}: code ${code} has no declaration`)
    return
  }
  const stem = `${name.toLowerCase().replaceAll('_', '-')}-${client}`
  const who = `${clients[client]!.who} with Apache RocketMQ 5.3.3, ${today}`
  const save = (file: string, direction: string, frame: Buffer) => {
    const notes = [`${name} ${direction}`, `${who}, through test/support/capture.ts`]
    writeFileSync(join(out!, `${file}-${direction}.hex`), hexText(notes, frame))
  }
  // A request that was answered in several ways is told once.
  const asker = response === null ? `${stem}-oneway` : stem
  if (!told.has(asker)) save(asker, from === 'client' ? 'request' : 'push', request)
  told.add(asker)
  if (response === null) return
  const outcome = decodeCommand(response).code
  save(
    outcome === responseCodes.SUCCESS ? stem : `${stem}-${outcome}`,
    from === 'client' ? 'response' : 'reply',
    response
  )
}
