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

t.test(
  'who needs more than there is goes on alone; when it is whole, the oldest does',
  async (t) => {
    const rig = new Rig({ limits })
    const [a, b, c] = [rig.connect(), rig.connect(), rig.connect()]
    for (const { client } of [a, b, c]) await client.sendRaw(announce(300_000))
    for (const { client } of [a, b, c]) await client.sendRaw(Buffer.alloc(100_000))
    t.equal(rig.shared.budget.waiting, 0, 'the third met the limit, and goes on')
    await b.client.sendRaw(Buffer.alloc(1000))
    await a.client.sendRaw(Buffer.alloc(1000))
    t.equal(rig.shared.budget.waiting, 2, 'the others do not')
    await a.client.sendRaw(Buffer.alloc(199_000))
    await b.client.sendRaw(Buffer.alloc(199_000))
    await c.client.sendRaw(Buffer.alloc(199_999))
    t.equal(rig.asked.length, 0)
    await c.client.sendRaw(Buffer.alloc(1))
    t.equal(rig.asked.length, 3, 'it is whole, and so is what waited for it')
    t.equal(rig.shared.budget.heldBytes, 0)
  }
)

const shared = { ...limits, partialFrameShareBytesMax: 65_536 }

async function sendIn(client: Client, total: number, stepBytes: number): Promise<void> {
  for (let left = total; left > 0; left -= stepBytes) {
    await client.sendRaw(Buffer.alloc(Math.min(left, stepBytes)))
  }
}

t.test('one connection cannot use up the budget', async (t) => {
  const rig = new Rig({ limits: shared })
  const hog = rig.connect()
  await hog.client.sendRaw(announce(frameBytes))
  await sendIn(hog.client, 900_000, 20_000)
  t.equal(rig.shared.budget.waiting, 0, 'it is read on beyond its share')
  for (let i = 0; i < 3; i++) {
    const { client } = rig.connect()
    await client.sendRaw(announce(60_000))
    await sendIn(client, 59_999, 20_000)
  }
  t.equal(rig.shared.budget.waiting, 0, 'others have room all the same')
})

t.test('of those beyond their share one at a time is read on', async (t) => {
  const rig = new Rig({ limits: shared })
  const [first, second, third] = [rig.connect(), rig.connect(), rig.connect()]
  for (const { client } of [first, second, third]) {
    await client.sendRaw(announce(200_000))
    await sendIn(client, 80_000, 20_000)
  }
  t.equal(rig.shared.budget.waiting, 2)
  const { client } = rig.connect()
  await client.sendRaw(announce(20_000))
  await sendIn(client, 20_000, 5_000)
  t.equal(rig.asked.length, 1, 'who stays within its share does not wait for them')
  for (const { client } of [third, second, first]) await sendIn(client, 120_000, 20_000)
  t.equal(rig.asked.length, 4, 'each has its turn')
  t.equal(rig.shared.budget.heldBytes, 0)
})

t.test('who goes on above the budget and falls silent makes place for the next', async (t) => {
  const rig = new Rig({ limits: shared })
  const [silent, next] = [rig.connect(), rig.connect()]
  for (const { client } of [silent, next]) {
    await client.sendRaw(announce(200_000))
    await sendIn(client, 80_000, 20_000)
  }
  await rig.clock.advance(99)
  t.equal(rig.shared.budget.waiting, 1)
  await rig.clock.advance(1)
  t.equal(rig.shared.budget.waiting, 0)
  await silent.client.sendRaw(Buffer.alloc(1000))
  t.equal(rig.shared.budget.waiting, 1, 'it comes after it now')
  await sendIn(next.client, 120_000, 20_000)
  await sendIn(silent.client, 119_000, 20_000)
  t.equal(rig.asked.length, 2)
  t.strictSame(rig.closed, [])
})

t.test('no more than two frames above the budget are held, however many fall silent', async (t) => {
  const rig = new Rig({ limits: { ...shared, frameStallMs: 3_600_000 }, windowBytes: 16_384 })
  for (let i = 0; i < 12; i++) {
    const { client } = rig.connect()
    await client.sendRaw(announce(frameBytes))
    // As far as it is read.
    for (let left = 45; left > 0 && client.socket.writableLength === 0; left--) {
      client.socket.write(Buffer.alloc(20_000))
      await settled(1)
    }
    await rig.clock.advance(1000)
  }
  const { heldBytes, waiting } = rig.shared.budget
  t.ok(waiting > 5, `${waiting} wait`)
  // What a connection had read before it was told to wait is held, too.
  t.ok(heldBytes <= limits.partialFrameBytesMax + 2 * frameBytes + 12 * 65_536, `${heldBytes} held`)
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

t.test('a sender that stalls is closed only when others need its room, then at once', async (t) => {
  const rig = new Rig({ limits })
  const stalled = rig.connect()
  await stalled.client.sendRaw(announce(frameBytes))
  await stalled.client.sendRaw(Buffer.alloc(300_000))
  await rig.clock.advance(60_000)
  t.strictSame(rig.closed, [], 'nobody waits')
  const waiting = rig.connect()
  await waiting.client.sendRaw(announce(200_000))
  await waiting.client.sendRaw(Buffer.alloc(100_000))
  t.strictSame(rig.closed, [1])
  t.strictSame(rig.events, ['stalled-frame-closed'])
  t.equal(rig.shared.counters.stalledFrames, 1)
  await waiting.client.sendRaw(Buffer.alloc(100_000))
  t.equal(rig.asked.length, 1, 'the one that needed it got its room')
})

t.test('a sender has its time from when it sent enough; a trickle is not enough', async (t) => {
  const rig = new Rig({ limits: { ...limits, frameStallMs: 100 } })
  const slow = rig.connect()
  await slow.client.sendRaw(announce(frameBytes))
  await slow.client.sendRaw(Buffer.alloc(300_000))
  const waiting = rig.connect()
  await waiting.client.sendRaw(announce(200_000))
  await waiting.client.sendRaw(Buffer.alloc(100_000))
  await rig.clock.advance(90)
  await slow.client.sendRaw(Buffer.alloc(limits.frameProgressBytesMin))
  await rig.clock.advance(90)
  await slow.client.sendRaw(Buffer.alloc(10))
  t.strictSame(rig.closed, [])
  t.equal(rig.shared.budget.waiting, 1)
  await rig.clock.advance(10)
  t.strictSame(rig.closed, [1])
})
