import t from 'tap'
import { kafkajs } from '../clients/clients.ts'
import { runScenarios } from '../clients/run-scenarios.ts'
import { openServer } from '../clients/server.ts'

const server = await openServer()
t.teardown(() => server.close())
await runScenarios(t, kafkajs, server)
