import type { Test } from 'tap'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import type { Client } from './client.ts'
import { Driver } from './driver.ts'
import { scenarios } from './scenarios/index.ts'
import type { TestServer } from './server.ts'

/** For all scenarios of one client on a busy machine; tap's own default is 30 s. */
const timeoutMs = 15 * 60_000

/** Runs every scenario that the client can play, one after the other, against the server. */
export async function runScenarios(t: Test, client: Client, server: TestServer): Promise<void> {
  t.setTimeout(timeoutMs)
  const seed = seedOfRun
  t.comment(`SEED=${seed}`)
  const random = new SeededRandom(seed)
  const mark = random.bytes(4).toString('hex')
  const only = process.env.SCENARIO
  for (const scenario of scenarios) {
    if (scenario.needsAdmin && !client.admin) continue
    if (only && !scenario.name.includes(only)) continue
    await t.test(scenario.name, async (t) => {
      const drivers: Driver[] = []
      const another = (): Driver => {
        const driver = new Driver(client.name, client.command, server.bootstrap)
        drivers.push(driver)
        return driver
      }
      t.teardown(() => Promise.all(drivers.map((driver) => driver.end())))
      const name = (of: string): string => `${client.name}-${of}-${mark}`
      await scenario.run(t, { client, driver: another(), server, random, another, name })
    })
  }
}
