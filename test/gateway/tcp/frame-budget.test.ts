import t from 'tap'
import { settled } from '../../support/fake-clock.ts'
import { announce, type Client, Rig } from './rig.ts'

const frameBytes = 1_000_000
const limits = {
  partialFrameBytesMax: 262_144,
  frameBytesMax: frameBytes,
  frameStallMs: 10_000,
  frameProgressBytesMin: 65_536
}

t.test('a hundred announcements cost nothing until bytes come', async (t) => {
  const rig = new Rig({ limits })
  for (let i = 0; i < 100; i++) {
    const { client } = rig.connect()
    await client.sendRaw(announce(frameBytes))
  }
  t.equal(rig.shared.budget.heldBytes, 0)
  t.equal(rig.shared.budget.waiting, 0)
})

t.test(
  'a hundred senders of large frames stay within the budget, and all get through',
  async (t) => {
    const rig = new Rig({ limits, windowBytes: 16_384 })
    const senders: { readonly client: Client; left: number }[] = []
    for (let i = 0; i < 100; i++) {
      const { client } = rig.connect()
      client.socket.write(announce(frameBytes))
      senders.push({ client, left: frameBytes })
    }
    let heldMax = 0
    let answered = 0
    for (let round = 0; round < 20_000 && answered < 100; round++) {
      for (const sender of senders) {
        if (sender.left === 0 || sender.client.socket.writableLength > 0) continue
        sender.client.socket.write(Buffer.alloc(20_000, 'p'))
        sender.left -= 20_000
      }
      await settled(1)
      heldMax = Math.max(heldMax, rig.shared.budget.heldBytes)
      for (; answered < rig.asked.length; answered++) {
        await rig.asked[answered]?.answer([announce(0)])
      }
    }
    const clients = senders.map(({ client }) => client)
    t.equal(clients.filter(({ answers }) => answers.length === 1).length, 100)
    // The budget, one whole frame above it, and what each connection's read in progress may add.
    const bound = limits.partialFrameBytesMax + frameBytes + 100 * 20_000
    t.ok(heldMax <= bound, `${heldMax} bytes held, bound ${bound}`)
    t.ok(rig.shared.counters.pausedForFrames > 0, 'the budget was met')
    t.equal(rig.shared.budget.heldBytes, 0)
    t.equal(rig.shared.counters.stalledFrames, 0)
  }
)

t.test('the oldest frame goes on above the budget; when it is whole, the next does', async (t) => {
  const rig = new Rig({ limits })
  const [a, b, c] = [rig.connect(), rig.connect(), rig.connect()]
  for (const { client } of [a, b, c]) await client.sendRaw(announce(300_000))
  for (const { client } of [a, b, c]) await client.sendRaw(Buffer.alloc(100_000))
  t.equal(rig.shared.budget.waiting, 1, 'the third met the limit')
  await b.client.sendRaw(Buffer.alloc(1000))
  t.equal(rig.shared.budget.waiting, 2, 'the second too')
  await a.client.sendRaw(Buffer.alloc(199_999))
  t.equal(rig.shared.budget.waiting, 2, 'the oldest is read on')
  await b.client.sendRaw(Buffer.alloc(199_000))
  t.equal(rig.asked.length, 0, 'the second is not')
  await a.client.sendRaw(Buffer.alloc(1))
  t.equal(rig.asked.length, 2, 'the first is whole, and so is what waited behind it')
})

t.test('small requests are served while the budget is used up', async (t) => {
  const rig = new Rig({ limits })
  const hog = rig.connect()
  await hog.client.sendRaw(announce(frameBytes))
  await hog.client.sendRaw(Buffer.alloc(600_000))
  const { client } = rig.connect()
  await client.send('now-1')
  await client.send('now-2')
  t.strictSame(client.answers, ['now-1', 'now-2'])
})

t.test('a sender that stalls is closed only while others wait for its room', async (t) => {
  const rig = new Rig({ limits })
  const stalled = rig.connect()
  await stalled.client.sendRaw(announce(frameBytes))
  await stalled.client.sendRaw(Buffer.alloc(300_000))
  await rig.clock.advance(60_000)
  t.strictSame(rig.closed, [], 'nobody waits')
  const waiting = rig.connect()
  await waiting.client.sendRaw(announce(200_000))
  await waiting.client.sendRaw(Buffer.alloc(100_000))
  t.equal(rig.shared.budget.waiting, 1)
  for (let i = 0; i < 3; i++) {
    await rig.clock.advance(5000)
    // A trickle does not save it.
    if (rig.closed.length === 0) await stalled.client.sendRaw(Buffer.alloc(10))
  }
  await rig.clock.advance(10_000)
  t.strictSame(rig.closed, [1])
  t.strictSame(rig.events, ['stalled-frame-closed'])
  t.equal(rig.shared.counters.stalledFrames, 1)
  await waiting.client.sendRaw(Buffer.alloc(100_000))
  t.equal(rig.asked.length, 1, 'the one that waited got its room')
})
