import t, { type Test } from 'tap'
import { playTools } from './apache-tools/scenario.ts'
import { toolRunner } from './apache-tools/tools.ts'
import type { Client } from './client.ts'
import { clients } from './clients.ts'
import { playExamples } from './examples.ts'
import { exchange } from './exchange.ts'
import { installApacheTools } from './install.ts'
import { rocketmqClients } from './rocketmq/clients.ts'
import { playRocketmq } from './rocketmq/play.ts'
import { runScenarios } from './run-scenarios.ts'
import { openServer, startIsthmus } from './server.ts'

/** CLIENTS=java-4.1,tools plays those only. */
const rocketmqNames = Object.keys(rocketmqClients)
const everything = [...Object.keys(clients), 'tools', 'exchange', 'examples', ...rocketmqNames]
const chosen = process.env.CLIENTS?.split(',') ?? everything
const unknown = chosen.filter((name) => !everything.includes(name))
if (unknown.length > 0) throw new Error(`no ${unknown.join()}: there are ${everything.join(', ')}`)

/** All of them; tap's own default is 30 s. */
t.setTimeout(60 * 60_000)

// Those of RocketMQ mostly wait for a time to come: two of them beside one of Kafka's at a time.
t.jobs = 3
const playing: Promise<unknown>[] = []
for (const [name, install] of Object.entries(rocketmqClients)) {
  if (!chosen.includes(name)) continue
  playing.push(t.test(name, { buffered: true }, async (t) => playRocketmq(t, await install())))
}

for (const name of chosen) {
  if (name in rocketmqClients) continue
  await t.test(name, { buffered: true }, async (t) => {
    if (name === 'examples') {
      const server = await startIsthmus()
      t.teardown(() => server.close())
      await playExamples(t, server)
      return
    }
    const server = await openServer()
    t.teardown(() => server.close())
    const client = await clients[name]?.()
    if (client) await runScenarios(t, client, server)
    else if (name === 'tools') await runTools(t, server.bootstrap)
    else await runExchange(t, server.bootstrap)
  })
}
await Promise.all(playing)

async function runTools(t: Test, bootstrap: string): Promise<void> {
  const run = toolRunner(await installApacheTools(), bootstrap)
  await playTools(t, run, String(Date.now()))
}

async function runExchange(t: Test, bootstrap: string): Promise<void> {
  const all: Client[] = []
  for (const install of Object.values(clients)) all.push(await install())
  await exchange(t, all, bootstrap)
}
