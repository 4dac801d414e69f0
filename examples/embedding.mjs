// A server inside this process, on a free port and a temporary folder: what a test suite needs.
//   npm run build && node examples/embedding.mjs
import { startServer } from 'isthmus'
import { Kafka, logLevel } from 'kafkajs'

const server = await startServer()
const { host, port } = server.addresses.kafka
const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.ERROR })

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic: 'embedded', numPartitions: 2 }] })
console.log(await admin.listTopics())
await admin.disconnect()

// The folder goes with the server.
await server.close()
