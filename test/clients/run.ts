import t from 'tap'
import { clients } from './clients.ts'
import { runScenarios } from './run-scenarios.ts'
import { openServer } from './server.ts'

/** CLIENTS=java-4.1,sarama runs those only; SCENARIO=text the scenarios whose name has it. */
const chosen = process.env.CLIENTS?.split(',') ?? Object.keys(clients)

/** All of them; tap's own default is 30 s. */
t.setTimeout(60 * 60_000)

for (const name of chosen) {
  await t.test(name, async (t) => {
    const client = await clients[name]?.()
    if (!client) throw new Error(`no client ${name}: there are ${Object.keys(clients).join(', ')}`)
    const server = await openServer()
    t.teardown(() => server.close())
    await runScenarios(t, client, server)
  })
}
