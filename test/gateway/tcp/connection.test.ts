import t from 'tap'
import { FrameError } from '../../../gateway/tcp/framer.ts'
import { settled } from '../../support/fake-clock.ts'
import { framed, Rig } from './rig.ts'

t.test('answers leave in the order of the requests, whichever is ready first', async (t) => {
  const rig = new Rig()
  const { client } = rig.connect()
  await client.send('p1', 'p2', 'p3')
  t.strictSame(
    rig.asked.map((a) => a.text),
    ['p1', 'p2', 'p3'],
    'they overlap'
  )
  await rig.asked[2]?.answer([framed('a3')])
  await rig.asked[1]?.answer([framed('a2')])
  t.strictSame(client.answers, [])
  await rig.asked[0]?.answer([framed('a1')])
  t.strictSame(client.answers, ['a1', 'a2', 'a3'])
})

t.test(
  'a request that may not overlap waits for its predecessors, and its successors for it',
  async (t) => {
    const rig = new Rig()
    const { client } = rig.connect()
    await client.send('p1', 'p2', 'serial', 'p3')
    t.strictSame(
      rig.asked.map((a) => a.text),
      ['p1', 'p2']
    )
    await rig.asked[1]?.answer([])
    t.equal(rig.asked.length, 2)
    await rig.asked[0]?.answer([framed('a1')])
    t.strictSame(
      rig.asked.map((a) => a.text),
      ['p1', 'p2', 'serial']
    )
    await rig.asked[2]?.answer([framed('s')])
    t.strictSame(
      rig.asked.map((a) => a.text),
      ['p1', 'p2', 'serial', 'p3']
    )
    t.strictSame(client.answers, ['a1', 's'], 'p2 had no answer')
  }
)

t.test('no more requests are started than inFlightMax', async (t) => {
  const rig = new Rig({ inFlightMax: 2 })
  const { client } = rig.connect()
  await client.send('p1', 'p2', 'p3')
  t.equal(rig.asked.length, 2)
  await rig.asked[1]?.answer([framed('a2')])
  t.equal(rig.asked.length, 2, 'an answer that waits for its turn counts')
  await rig.asked[0]?.answer([framed('a1')])
  t.equal(rig.asked.length, 3)
})

t.test('a flood of requests lets others have their turn in between', async (t) => {
  for (const order of ['request', 'completion'] as const) {
    const rig = new Rig({ order, limits: { requestsPerTurnMax: 4 } })
    const { connection } = rig.connect()
    const flood = Array.from({ length: 18 }, (_, i) => framed(`now-${i}`))
    connection.receive(Buffer.concat(flood), false)
    const handled: number[] = []
    while (handled.length < 6) {
      await new Promise((resolve) => setImmediate(resolve))
      handled.push(rig.handled)
    }
    t.strictSame(handled, [4, 8, 12, 16, 18, 18], order)
  }
})

t.test('where answers go out as they are ready, nothing waits', async (t) => {
  const rig = new Rig({ order: 'completion' })
  const { client } = rig.connect()
  await client.send('held', 'quick')
  await rig.asked[1]?.answer([framed('quick')])
  t.strictSame(client.answers, ['quick'])
  rig.handles[0]?.send([framed('pushed')])
  await rig.asked[0]?.answer([framed('held')])
  t.strictSame(client.answers, ['quick', 'pushed', 'held'])
})

t.test('requests arrive whole wherever the stream is split', async (t) => {
  const stream = Buffer.concat([framed('now-1'), framed('now-22'), framed('now-333')])
  for (let cut = 1; cut < stream.length; cut++) {
    const { client } = new Rig().connect()
    await client.sendRaw(stream.subarray(0, cut))
    await client.sendRaw(stream.subarray(cut))
    t.strictSame(client.answers, ['now-1', 'now-22', 'now-333'], `split at ${cut}`)
  }
})

t.test('a malformed frame closes its connection with one line, and disturbs nobody', async (t) => {
  const rig = new Rig()
  const { client } = rig.connect()
  const other = rig.connect()
  await client.sendRaw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  t.ok(client.closed)
  t.strictSame(rig.events, ['malformed-frame'])
  t.match(rig.log[0]?.fields, { head: /^47455420/, client: '127.0.0.1:40000', protocol: 'test' })
  t.equal(rig.shared.counters.malformed, 1)
  await other.client.send('now-fine')
  t.strictSame(other.client.answers, ['now-fine'])
})

t.test(
  'a request that fails is logged once; the answers before it leave, those after it do not',
  async (t) => {
    const rig = new Rig()
    const { client } = rig.connect()
    await client.send('p1', 'p2', 'p3')
    await rig.asked[1]?.fail(new Error('bug'))
    await rig.asked[2]?.answer([framed('a3')])
    t.notOk(client.closed)
    await rig.asked[0]?.answer([framed('a1')])
    t.strictSame(client.answers, ['a1'])
    t.ok(client.closed)
    t.strictSame(rig.events, ['request-failed'])
    t.match(rig.log[0]?.fields.reason, /bug/)
    t.equal(rig.shared.load.bytes, 0)
  }
)

t.test(
  'a handler that throws at once, or finds malformed bytes, closes like one that rejects',
  async (t) => {
    const rig = new Rig()
    const first = rig.connect()
    await first.client.send('now-1', 'throw', 'now-2')
    t.strictSame(first.client.answers, ['now-1'])
    t.ok(first.client.closed)
    const second = rig.connect()
    await second.client.send('p1')
    await rig.asked[0]?.fail(new FrameError('no such key', Buffer.from('p1')))
    t.ok(second.client.closed)
    t.strictSame(rig.events, ['request-failed', 'malformed-frame'])
  }
)

t.test('an answer of null closes after the answers before it', async (t) => {
  const rig = new Rig()
  const { client } = rig.connect()
  await client.send('p1', 'p2')
  await rig.asked[1]?.answer(null)
  await rig.asked[0]?.answer([framed('a1')])
  t.strictSame(client.answers, ['a1'])
  t.ok(client.closed)
  t.strictSame(rig.events, [])
})

t.test('a client that shuts its side is let go at once, and its waits are told', async (t) => {
  const rig = new Rig()
  const { client } = rig.connect()
  await client.send('held')
  const signal = rig.handles[0]?.signal
  t.equal(signal?.aborted, false)
  client.socket.end()
  await settled()
  t.equal(signal?.aborted, true)
  t.strictSame(rig.closed, [1])
  await rig.asked[0]?.answer([framed('too late')])
  t.equal(rig.shared.load.bytes, 0)
})

t.test('what was sent before leaving is still done where it may overlap', async (t) => {
  const rig = new Rig({ inFlightMax: 1 })
  const { client } = rig.connect()
  client.socket.end(Buffer.concat([framed('p1'), framed('p2'), framed('serial'), framed('p3')]))
  await settled()
  t.strictSame(rig.closed, [1])
  await rig.asked[0]?.answer([])
  await rig.asked[1]?.answer([])
  await rig.asked[2]?.answer([])
  t.strictSame(
    rig.asked.map((a) => a.text),
    ['p1', 'p2', 'p3']
  )
  t.equal(rig.shared.load.bytes, 0)
})

t.test('chunks go out by reference, and a large one in groups', async (t) => {
  const rig = new Rig({ limits: { writeGroupBytes: 1024 } })
  const { client } = rig.connect()
  await client.send('p1')
  const body = Buffer.alloc(5000, 'z')
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  const seen: Buffer[] = []
  client.socket.on('data', (chunk: Buffer) => seen.push(chunk))
  await rig.asked[0]?.answer([length, body])
  t.equal(client.answers[0]?.length, 5000)
  t.ok(
    seen.slice(1).every((chunk) => chunk.buffer === body.buffer),
    'no copy'
  )
  t.equal(rig.shared.counters.bytesOut, 5004)
})

t.test('a client that does not read its answers is not read, until it does', async (t) => {
  const limits = { writeBytesMax: 1024, writeGroupBytes: 1024 }
  const rig = new Rig({ limits, windowBytes: 1024 })
  const { client } = rig.connect()
  client.socket.pause()
  await client.send('p1', 'p2')
  await rig.asked[0]?.answer([framed(Buffer.alloc(8000, 'a'))])
  await client.send('p3')
  await rig.asked[1]?.answer([framed('a2')])
  t.equal(rig.asked.length, 2, 'p3 is not started')
  t.equal(rig.shared.counters.pausedForAnswers, 1)
  t.equal(rig.shared.load.answerBytes > 0, true)
  client.socket.resume()
  await settled(40)
  t.equal(rig.asked.length, 3)
  t.strictSame(
    client.answers.map((a) => a.length),
    [8000, 2]
  )
  t.equal(rig.shared.load.answerBytes, 0)
})

t.test(
  'a client that takes nothing for slowReaderMs is closed; one that takes a little is not',
  async (t) => {
    const limits = { writeGroupBytes: 1024, slowReaderMs: 10_000, frameBytesMax: 200_000 }
    const rig = new Rig({ limits, windowBytes: 1024 })
    const stuck = rig.connect()
    const slow = rig.connect()
    stuck.client.socket.pause()
    slow.client.socket.pause()
    await stuck.client.send('p1')
    await slow.client.send('p2')
    for (const asked of rig.asked) await asked.answer([framed(Buffer.alloc(100_000))])
    for (let second = 0; second < 12; second++) {
      await rig.clock.advance(1000)
      slow.client.socket.read()
      await settled()
      for (const { connection } of [stuck, slow]) connection.sweep(rig.clock.monotonicMs())
    }
    t.strictSame(rig.closed, [1])
    t.strictSame(rig.events, ['slow-reader-closed'])
    t.equal(rig.shared.counters.slowReaders, 1)
    t.equal(rig.shared.load.answerBytes > 0, true)
    slow.connection.close()
    t.equal(rig.shared.load.answerBytes, 0)
  }
)

t.test('an idle connection is closed, one with a request under way is not', async (t) => {
  const rig = new Rig({ limits: { idleMs: 1000 } })
  const idle = rig.connect()
  const busy = rig.connect()
  await idle.client.send('now-1')
  await busy.client.send('held')
  await rig.clock.advance(999)
  for (const { connection } of [idle, busy]) connection.sweep(rig.clock.monotonicMs())
  t.strictSame(rig.closed, [])
  await rig.clock.advance(1)
  for (const { connection } of [idle, busy]) connection.sweep(rig.clock.monotonicMs())
  t.strictSame(rig.closed, [1])
  t.strictSame(rig.events, ['idle-closed'])
})

t.test('received requests beyond the queue limit stop the reading', async (t) => {
  const rig = new Rig({ limits: { requestsQueuedMax: 4 }, inFlightMax: 1 })
  const { client } = rig.connect()
  for (let i = 0; i < 20; i++) await client.send(`held${i}`)
  t.equal(rig.shared.counters.pausedForQueue, 1)
  t.ok(rig.shared.counters.frames <= 7, `${rig.shared.counters.frames} frames were taken`)
  for (let i = 0; i < 20; i++) {
    t.equal(rig.asked[i]?.text, `held${i}`)
    await rig.asked[i]?.answer([framed(`a${i}`)])
    await settled()
  }
  t.equal(client.answers.length, 20)
})

t.test(
  'too much that is not answered, or a store that is overloaded, stops all reading for a while',
  async (t) => {
    const limits = { requestBytesMax: 65_536, overloadPauseMs: 100 }
    const rig = new Rig({ limits })
    const a = rig.connect()
    const b = rig.connect()
    await a.client.send(Buffer.alloc(40_000, 'p'))
    await b.client.send(Buffer.alloc(40_000, 'p'))
    await b.client.send('p-waits')
    t.equal(rig.asked.length, 2)
    t.equal(rig.shared.load.waiting, 1)
    await rig.asked[0]?.answer([])
    t.equal(rig.asked.length, 2, 'half of the limit must be free')
    await rig.asked[1]?.answer([])
    await settled()
    t.equal(rig.asked.length, 3)
    await rig.asked[2]?.answer([])

    rig.handles[0]?.overloaded()
    await a.client.send('now-later')
    t.strictSame(a.client.answers, [])
    await rig.clock.advance(100)
    await settled()
    t.strictSame(a.client.answers, ['now-later'])
  }
)

t.test('draining answers what was received, takes nothing more, and closes', async (t) => {
  const rig = new Rig()
  const { connection, client } = rig.connect()
  const quiet = rig.connect()
  await client.send('p1', 'serial')
  connection.drain()
  quiet.connection.drain()
  t.strictSame(rig.closed, [2], 'nothing was under way on the second')
  t.equal(rig.handles[0]?.signal.aborted, true)
  await client.send('p-late')
  await rig.asked[0]?.answer([framed('a1')])
  await rig.asked[1]?.answer([framed('s')])
  t.strictSame(client.answers, ['a1', 's'])
  t.ok(client.closed)
  t.equal(rig.asked.length, 2)
})

t.test('memory that an answer was lent comes back once it has left, in order', async (t) => {
  const rig = new Rig()
  const { client } = rig.connect()
  const back: string[] = []
  const lent = (text: string) => ({ chunks: [framed(text)], done: () => back.push(text) })
  await client.send('p1', 'p2', 'p3')
  await rig.asked[1]?.answer(lent('a2'))
  t.strictSame(back, [], 'it waits for the answer before it')
  await rig.asked[0]?.answer([framed('a1')])
  t.strictSame(client.answers, ['a1', 'a2'])
  t.strictSame(back, ['a2'])
  await rig.asked[2]?.answer({ chunks: [], done: () => back.push('a3') })
  t.strictSame(back, ['a2', 'a3'], 'nothing to send')
})

t.test('memory that was lent comes back when the connection goes before its answer', async (t) => {
  const rig = new Rig({ windowBytes: 16 })
  const { connection, client } = rig.connect()
  const back: string[] = []
  const lent = (text: string) => ({
    chunks: [framed(text.repeat(500))],
    done: () => back.push(text)
  })
  client.socket.pause()
  await client.send('p1', 'p2', 'p3')
  await rig.asked[0]?.answer(lent('on its way'))
  await rig.asked[2]?.answer(lent('behind another'))
  t.strictSame(back, [])
  connection.close()
  await rig.asked[1]?.answer(lent('too late'))
  t.strictSame(back.sort(), ['behind another', 'on its way', 'too late'])
})
