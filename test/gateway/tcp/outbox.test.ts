// Answers on their way to a socket that always has room.
import { Duplex } from 'node:stream'
import t from 'tap'
import { Outbox } from '../../../gateway/tcp/outbox.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const groupBytes = 64 * 1024

function outboxOf(): { outbox: Outbox; taken: () => number; received: Buffer[] } {
  let bytes = 0
  const received: Buffer[] = []
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      received.push(chunk)
      done()
    }
  })
  const outbox = new Outbox(socket, new FakeClock(), groupBytes, (count) => {
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
