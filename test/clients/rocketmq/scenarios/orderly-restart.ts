/** Orderly consumption when members come and go (passed by RocketMQ 5.3.3 too), and the server with its locks. */
import type { Test } from 'tap'
import type { GivenMessage } from '../driver.ts'
import { numbered, type OwnStage, repeatUntil, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'orderly members hand their queues over, each queue in order', run: handedOver },
  {
    name: 'an orderly consumer goes on in order after the server was killed',
    own: true,
    run: killed
  }
]

const queues = [0, 1, 2, 3]

function dealt(count: number, prefix: string): { body: Buffer; queue: number }[] {
  return numbered(count, prefix).map((one, i) => ({ ...one, queue: i % queues.length }))
}

/**
 * Whether nothing was passed over: each queue begins at 0 and goes on by ones, or again from an offset that it was at
 * before; and ends at its last.
 */
function inOrder(t: Test, given: readonly GivenMessage[], perQueue: number): void {
  for (const queue of queues) {
    let next = 0
    for (const { offset } of given.filter((one) => one.queue === queue)) {
      if (offset > next) t.fail(`queue ${queue} goes from ${next} to ${offset}`)
      next = Math.max(next, offset + 1)
    }
    t.equal(next, perQueue, `queue ${queue} was read to its end`)
  }
}

async function handedOver(t: Test, { another, name }: Stage): Promise<void> {
  const [group, topic] = [name('handed-group'), name('handed')]
  const [one, two] = [another(), another()]
  const given: GivenMessage[] = []
  let perQueue = 0
  const send = async (prefix: string) => {
    await one.send(topic, dealt(12, prefix))
    perQueue += 3
  }
  await send('first')
  await one.consume({ group, topic, orderly: true })
  await one.until('one has all', () => one.given.length >= 12)
  await two.consume({ group, topic, orderly: true })
  // The locks that one gives back are to be asked for again.
  let round = 0
  await repeatUntil(
    () => two.given.length > 0,
    async () => {
      await two.ask('Consumers.rebalance')
      await send(`round${round++}`)
    }
  )
  t.ok(two.given.length > 0, 'two has queues')
  await one.stop()
  await send('last')
  await two.until('two has the last of each queue', () =>
    queues.every((queue) =>
      two.given.some((got) => got.queue === queue && got.offset === perQueue - 1)
    )
  )
  given.push(...one.given, ...two.given)
  given.sort((a, b) => a.givenMs - b.givenMs)
  inOrder(t, given, perQueue)
  const seen = new Set(given.map(({ queue, offset }) => `${queue}/${offset}`))
  t.equal(seen.size, perQueue * queues.length)
}

async function killed(t: Test, { another, name, server }: OwnStage): Promise<void> {
  const [group, topic] = [name('orderly-killed-group'), name('orderly-killed')]
  const driver = another()
  await driver.send(topic, dealt(40, 'before'))
  await driver.consume({ group, topic, orderly: true })
  await driver.until('it began', () => driver.given.length >= 4)
  await server.restart('SIGKILL')
  const sender = another()
  await sender.send(topic, dealt(40, 'after'))
  await driver.until(
    'each queue was read to its end',
    () =>
      queues.every((queue) => driver.given.some((got) => got.queue === queue && got.offset === 19)),
    60_000
  )
  inOrder(t, driver.given, 20)
}
