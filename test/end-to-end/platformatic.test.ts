import t from 'tap'
import { platformatic } from '../clients/clients.ts'
import { runScenarios } from '../clients/run-scenarios.ts'
import { openServer } from '../clients/server.ts'

const server = await openServer()
t.teardown(() => server.close())
await runScenarios(t, platformatic, server)
