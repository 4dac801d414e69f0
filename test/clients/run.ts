import t, { type Test } from 'tap'
import { playTools } from './apache-tools/scenario.ts'
import { toolRunner } from './apache-tools/tools.ts'
import type { Client } from './client.ts'
import { clients } from './clients.ts'
import { exchange } from './exchange.ts'
import { installApacheTools, installRocketmq } from './install.ts'
import { playRocketmq } from './rocketmq/scenarios.ts'
import { runScenarios } from './run-scenarios.ts'
import { openServer, startIsthmus } from './server.ts'

/** CLIENTS=java-4.1,tools plays those only. */
const rocketmqVersions = ['5.3.3', '4.9.8'] as const
const rocketmqNames = rocketmqVersions.map((version) => `rocketmq-${version}`)
const everything = [...Object.keys(clients), 'tools', 'exchange', ...rocketmqNames]
const chosen = process.env.CLIENTS?.split(',') ?? everything
const unknown = chosen.filter((name) => !everything.includes(name))
if (unknown.length > 0) throw new Error(`no ${unknown.join()}: there are ${everything.join(', ')}`)

/** All of them; tap's own default is 30 s. */
t.setTimeout(60 * 60_000)

for (const name of chosen) {
  await t.test(name, async (t) => {
    const version = rocketmqVersions[rocketmqNames.indexOf(name)]
    if (version !== undefined) {
      await runRocketmq(t, version)
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

/** Always on a server of ours: they look at both of its protocols. */
async function runRocketmq(t: Test, version: (typeof rocketmqVersions)[number]): Promise<void> {
  const client = await installRocketmq(version)
  const server = await startIsthmus()
  t.teardown(() => server.close())
  await playRocketmq(t, client, server)
}

async function runTools(t: Test, bootstrap: string): Promise<void> {
  const run = toolRunner(await installApacheTools(), bootstrap)
  await playTools(t, run, String(Date.now()))
}

async function runExchange(t: Test, bootstrap: string): Promise<void> {
  const all: Client[] = []
  for (const install of Object.values(clients)) all.push(await install())
  await exchange(t, all, bootstrap)
}
