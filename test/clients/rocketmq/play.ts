import { readdirSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import { SeededRandom, seedOfRun } from '../../support/seeded-random.ts'
import { type OwnServer, startIsthmus } from '../server.ts'
import { type RocketmqClient, RocketmqDriver } from './driver.ts'
import { type Scenario, type Stage, transactionChecksMax } from './scenario.ts'

/** For all scenarios of one client on a busy machine; tap's own default is 30 s. */
const timeoutMs = 30 * 60_000

/** So that nobody waits half a minute; a RocketMQ that runs already should be told the same. */
const options = [
  ...['--transaction-check-after-ms', '1000', '--transaction-check-interval-ms', '1000'],
  ...['--transaction-check-max', `${transactionChecksMax}`]
]

/** Every file of scenarios/ exports `scenarios`; one that is put there is played. */
async function allScenarios(): Promise<Scenario[]> {
  const folder = new URL('scenarios/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  const all: Scenario[] = []
  for (const file of files.sort()) {
    const { scenarios } = (await import(new URL(file, folder).href)) as { scenarios: Scenario[] }
    all.push(...scenarios)
  }
  return all
}

/** Plays every scenario that the client and the server can, one after the other. */
export async function playRocketmq(t: Test, client: RocketmqClient): Promise<void> {
  t.setTimeout(timeoutMs)
  const given = process.env.ISTHMUS_TEST_NAMESRV
  const server = given === undefined ? await startIsthmus(options) : undefined
  if (server) t.teardown(() => server.close())
  const seed = seedOfRun
  t.comment(`SEED=${seed}`)
  const mark = new SeededRandom(seed).bytes(4).toString('hex')
  const only = process.env.SCENARIO
  for (const [at, scenario] of (await allScenarios()).entries()) {
    if (only && !scenario.name.includes(only)) continue
    if (!(scenario.languages ?? ['java']).includes(client.language)) continue
    if (client.language === 'java' && Number.parseInt(client.version, 10) < (scenario.since ?? 0))
      continue
    if (scenario.own && !server) continue
    await t.test(scenario.name, async (t) => {
      const drivers: RocketmqDriver[] = []
      t.teardown(() => Promise.all(drivers.map((driver) => driver.end())))
      const namesrv = given ?? server?.addresses.namesrv ?? ''
      const another = () => {
        const driver = new RocketmqDriver(client, namesrv)
        drivers.push(driver)
        return driver
      }
      const stage = { client, namesrv, another, name: (of: string) => `${of}-${mark}-${at}` }
      await playOne(t, scenario, stage, server)
    })
  }
}

async function playOne(
  t: Test,
  scenario: Scenario,
  stage: Stage,
  server: OwnServer | undefined
): Promise<void> {
  if (!scenario.own) await scenario.run(t, stage)
  else if (server) {
    const kafka = new Kafka({ brokers: [server.bootstrap], logLevel: logLevel.NOTHING })
    await scenario.run(t, { ...stage, server, kafka })
  }
}
