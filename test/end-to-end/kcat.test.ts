import t from 'tap'
import { kcat } from '../clients/clients.ts'
import { kcatVersion } from '../clients/install.ts'
import { runScenarios } from '../clients/run-scenarios.ts'
import { openServer } from '../clients/server.ts'

const version = await kcatVersion()
if (!version) {
  const skip =
    'SKIPPED: kcat is not installed (Debian: apt-get install kcat): librdkafka goes untested'
  await t.test('kcat', { skip }, async () => undefined)
} else {
  t.comment(version)
  const server = await openServer()
  t.teardown(() => server.close())
  await runScenarios(t, kcat, server)
}
