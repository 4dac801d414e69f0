/*
 * A consumer of many queues in a process of its own, that reads all of them from the beginning, again and again, until
 * it is interrupted: `node dist/bench/scale/cold-readers.js BOOTSTRAP TOPICS QUEUES-EACH`.
 */
import { queuesOf, readAll } from './queues.ts'

const [bootstrap = '', topics, each] = process.argv.slice(2)
const queues = queuesOf(Number(topics), Number(each))
for (;;) await readAll(bootstrap, queues)
