import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Client } from '../client.ts'
import type { Driver } from '../driver.ts'
import type { TestServer } from '../server.ts'

/** What a scenario is given: the client under test, with one driver already started, and the server. */
export interface ScenarioContext {
  client: Client
  driver: Driver
  server: TestServer
  random: SeededRandom
  /** Another process of the same client; ended with the test. */
  another(): Driver
  /** A topic or group name that nothing else in this run has. */
  name(of: string): string
}
