/*
 * Captured frames with bytes changed, cut, doubled and with wrong lengths, sent to the built server. HOSTILE_FRAMES in
 * the environment asks for more of them.
 */
import t from 'tap'
import { kafkaFixtures } from '../support/kafka-fixtures.ts'
import { mutatedFrame } from '../support/mutation.ts'
import { rocketmqFixtures } from '../support/rocketmq-fixtures.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { Attacker, framed } from './attacker.ts'
import { type Port, ports, Target } from './target.ts'

const framesPerPort = Number(process.env.HOSTILE_FRAMES ?? 250)
const attackersAtATime = 16
/** For an answer to a mutated frame; a held fetch gives none for long. */
const answerMs = 100
/** For the server to close what it cannot make sense of. */
const closeMs = 10_000

t.setTimeout(60_000 + framesPerPort * 100)
t.comment(`SEED=${seedOfRun} HOSTILE_FRAMES=${framesPerPort}`)
const random = new SeededRandom(seedOfRun)

const requestLine = Buffer.from(
  'GET /metrics?x=1 HTTP/1.1\r\nhost: isthmus\r\naccept: */*\r\ncontent-length: 3\r\n\r\nabc'
)

/** Whole requests as they arrive at each port. */
const golden: Record<Port, Buffer[]> = {
  kafka: kafkaFixtures()
    .filter(({ message }) => message.direction === 'request')
    .map(({ frame }) => framed(frame)),
  namesrv: [],
  broker: rocketmqFixtures()
    .filter(({ direction }) => direction !== 'response')
    .map(({ frame }) => framed(frame)),
  http: [requestLine]
}
golden.namesrv = golden.broker

async function attack(address: string, frames: Buffer[]): Promise<number> {
  let answered = 0
  for (let next = frames.pop(); next !== undefined; next = frames.pop()) {
    const attacker = await Attacker.open(address)
    await attacker.write(next)
    await attacker.settles(answerMs)
    if (attacker.receivedBytes > 0) answered++
    await attacker.leave()
  }
  return answered
}

await t.test('mutated frames', async (t) => {
  const target = await Target.open(t)
  for (const port of ports) {
    await t.test(port, async (t) => {
      const frames = Array.from({ length: framesPerPort }, () =>
        mutatedFrame(random.pick(golden[port]), random)
      )
      const address = target.address(port)
      let answered = 0
      await target.during(t, async () => {
        const attackers = Array.from({ length: attackersAtATime }, () => attack(address, frames))
        for (const count of await Promise.all(attackers)) answered += count
      })
      t.comment(`${answered} of ${framesPerPort} were answered`)
      t.ok(answered > framesPerPort / 50, 'some were not mutated beyond recognition')
    })
  }
  await target.close(t)
})

await t.test('lengths that no frame has', async (t) => {
  const target = await Target.open(t)
  for (const port of ['kafka', 'namesrv', 'broker'] as const) {
    await t.test(port, async (t) => {
      const lengths = [-1, -(2 ** 31), 2 ** 31 - 1, 64 * 1024 * 1024 + 1, 0x47455420]
      const attackers: Attacker[] = []
      await target.during(t, async () => {
        for (const length of lengths) {
          const attacker = await Attacker.open(target.address(port))
          const bytes = Buffer.alloc(64)
          bytes.writeInt32BE(length)
          await attacker.write(bytes)
          attackers.push(attacker)
        }
        for (const attacker of attackers) t.ok(await attacker.settles(closeMs), 'it is closed')
      })
      for (const attacker of attackers) t.equal(attacker.receivedBytes, 0, 'without an answer')
      // A length of the greatest size that is allowed takes no memory by itself.
      const announced: Attacker[] = []
      await target.during(t, async () => {
        for (let i = 0; i < 50; i++) {
          const attacker = await Attacker.open(target.address(port))
          const length = Buffer.alloc(5)
          length.writeInt32BE(16 * 1024 * 1024)
          await attacker.write(length)
          announced.push(attacker)
        }
        for (const attacker of announced) await attacker.leave()
      })
    })
  }
  await target.close(t)
})
