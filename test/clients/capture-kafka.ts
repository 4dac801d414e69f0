import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { apiNameOf } from '../../gateway/kafka/codec/index.ts'
import { hexText, startTee } from '../support/capture.ts'
import { ExchangeLog, pickExchanges } from '../support/kafka-exchanges.ts'
import { useJavaTools, useKafkaJs, useKcat, usePlatformatic } from './capture-scenarios.ts'

/*
 * Captures Kafka fixtures from real clients talking to a real Apache Kafka through the tee proxy:
 *
 * node dist/test/clients/capture-kafka.js BROKER-PORT PROXY-PORT TOOL OUT
 *
 * The broker must advertise 127.0.0.1:PROXY-PORT. TOOL is a command that runs Kafka's own tools by
 * name (`TOOL topics ARG...`). The decoded values beside the frames are then written by
 * test/clients/java/FrameFacts.java.
 */

/** Exchanges larger than this are taken only where there is no smaller one. */
const exchangeBytesMax = 4096

const [brokerPort, proxyPort, tool, out] = process.argv.slice(2)
if (out === undefined) throw new Error('wanted: BROKER-PORT PROXY-PORT TOOL OUT')

const run = promisify(execFile)
const log = new ExchangeLog()
const tee = await startTee({
  brokerPort: Number(brokerPort),
  port: Number(proxyPort),
  onFrame: (frame) => log.take(frame)
})
const broker = `127.0.0.1:${tee.port}`
const clients: Record<string, string> = {}

async function capture(label: string, client: string, use: () => Promise<void>): Promise<void> {
  console.log(label)
  log.label = label
  clients[label] = client
  await use()
}

await capture('kafkajs', 'kafkajs 2.2.4', () => useKafkaJs(broker))
await capture('platformatic', '@platformatic/kafka 1.35.0', () => usePlatformatic(broker))
await capture('kcat', 'kcat 1.7.1 (librdkafka)', () => useKcat(broker))
await capture('java', 'the tools of Apache Kafka 4.1.0', () =>
  useJavaTools(broker, async (...args) => {
    console.log(' ', ...args)
    const { stdout, stderr } = await run(tool!, args)
    console.log(`${stdout}${stderr}`.trim().slice(0, 400))
  })
)
await tee.close()

mkdirSync(out, { recursive: true })
const today = new Date().toISOString().slice(0, 10)
for (const exchange of pickExchanges(log.exchanges, exchangeBytesMax)) {
  let name: string
  try {
    name = apiNameOf(exchange.apiKey)
  } catch {
    continue
  }
  const kebab = name.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase()
  for (const direction of ['request', 'response'] as const) {
    const notes = [
      `${name} ${direction}, version ${exchange.version}`,
      `${clients[exchange.client]} with Apache Kafka 4.1.0, ${today}, through test/support/capture.ts`
    ]
    const file = `${kebab}-v${exchange.version}-${exchange.client}-${direction}.hex`
    writeFileSync(join(out, file), hexText(notes, exchange[direction]!))
  }
}
console.log(`${log.exchanges.length} exchanges seen`)
process.exit(0)
