// Sends three records to a topic and reads them back, as any Kafka client would.
//   npm start                                  in one terminal
//   node examples/produce-and-consume.mjs      in another
import { Kafka, logLevel } from 'kafkajs'

const address = process.argv[2] ?? '127.0.0.1:9092'
const kafka = new Kafka({ clientId: 'example', brokers: [address], logLevel: logLevel.ERROR })

const producer = kafka.producer()
await producer.connect()
// The topic is made when it is first asked for.
await producer.send({
  topic: 'greetings',
  messages: ['hello', 'from', 'isthmus'].map((value) => ({ key: 'example', value }))
})
await producer.disconnect()

const consumer = kafka.consumer({ groupId: `example-${process.pid}` })
await consumer.connect()
await consumer.subscribe({ topic: 'greetings', fromBeginning: true })
let left = 3
await new Promise((resolve, reject) => {
  const run = consumer.run({
    eachMessage: async ({ partition, message }) => {
      console.log(`${partition}/${message.offset}: ${message.value}`)
      if (--left === 0) resolve()
    }
  })
  run.catch(reject)
})
await consumer.disconnect()
