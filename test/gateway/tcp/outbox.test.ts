// Answers on their way to a socket that always has room.
import { Duplex } from 'node:stream'
import t from 'tap'
import { Outbox } from '../../../gateway/tcp/outbox.ts'
import { SlicedTurns } from '../../../storage/sliced-turns.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const groupBytes = 128 * 1024

function outboxOf(turns = new SlicedTurns(groupBytes)): {
  outbox: Outbox
  taken: () => number
  received: Buffer[]
} {
  let bytes = 0
  const received: Buffer[] = []
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      received.push(chunk)
      done()
    }
  })
  const outbox = new Outbox(socket, { clock: new FakeClock(), turns }, groupBytes, (count) => {
    bytes += count
  })
  return { outbox, taken: () => bytes, received }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test('a large answer leaves a group a turn, whatever room the socket has', async (t) => {
  const { outbox, taken, received } = outboxOf()
  const answer = Buffer.alloc(groupBytes * 10 + 5, 7)
  let isDone = false
  outbox.push([answer], () => {
    isDone = true
  })
  outbox.pump()
  for (let turns = 1; turns <= 5; turns++) {
    await turn()
    t.ok(taken() <= groupBytes * (turns + 1), `${taken()} bytes after ${turns} turns`)
  }
  t.notOk(isDone)
  for (let turns = 0; turns < 20; turns++) await turn()
  t.ok(isDone)
  t.equal(outbox.waitingBytes, 0)
  t.ok(Buffer.concat(received).equals(answer), 'all of it, in its order')
})

t.test('what is dropped meanwhile is not sent', async (t) => {
  const { outbox, received } = outboxOf()
  outbox.push([Buffer.alloc(groupBytes * 3)])
  outbox.pump()
  await turn()
  const sent = received.length
  outbox.drop()
  for (let turns = 0; turns < 5; turns++) await turn()
  t.equal(received.length, sent)
})

t.test('all connections share a turn, and a small answer waits for none', async (t) => {
  const turns = new SlicedTurns(groupBytes)
  const large = Array.from({ length: 4 }, () => outboxOf(turns))
  for (const { outbox } of large) {
    outbox.push([Buffer.alloc(groupBytes * 3, 1)])
    outbox.pump()
  }
  const taken = (): number => large.reduce((sum, one) => sum + one.taken(), 0)
  for (let count = 1; count <= 4; count++) {
    await turn()
    t.ok(taken() <= groupBytes * (count + 1), `${taken()} bytes after ${count} turns`)
  }
  t.ok(
    large.every((one) => one.taken() > 0),
    'each has its turn'
  )
  const small = outboxOf(turns)
  small.outbox.push([Buffer.from('acknowledged')])
  small.outbox.pump()
  t.same(small.received, [Buffer.from('acknowledged')])
  for (let count = 0; count < 20; count++) await turn()
  t.equal(taken(), 4 * 3 * groupBytes)
})
