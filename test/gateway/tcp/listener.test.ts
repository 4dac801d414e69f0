import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { tcpLimits } from '../../../gateway/tcp/limits.ts'
import { Listener, tcpShared } from '../../../gateway/tcp/listener.ts'
import type { ConnectionHandle, Protocol } from '../../../gateway/tcp/protocol.ts'
import { systemTurns } from '../../../storage/sliced-turns.ts'
import { FakeClock, settled } from '../../support/fake-clock.ts'
import { framed } from './rig.ts'

async function listening(t: Test, limits = {}) {
  const clock = new FakeClock()
  const events: string[] = []
  const handles: ConnectionHandle[] = []
  const held: (() => void)[] = []
  const protocol: Protocol = {
    name: 'echo',
    order: 'request',
    inFlightMax: 4,
    open: (handle) => {
      handles.push(handle)
      return {
        mayOverlap: () => false,
        handle: (frame) => {
          if (frame.toString() !== 'hold') return [framed(Buffer.from(frame))]
          return new Promise((resolve) => held.push(() => resolve([framed('held')])))
        }
      }
    }
  }
  const shared = tcpShared(
    tcpLimits(limits),
    clock,
    (_level, event) => events.push(event),
    systemTurns
  )
  const listener = new Listener(protocol, shared)
  const address = await listener.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => listener.close(0))
  const dial = async () => {
    const socket = connect(address.port, address.host)
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { clock, events, handles, held, listener, address, dial }
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(framed(text))
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString('latin1', 4)
}

t.test('frames are answered over TCP, and both ends are known', async (t) => {
  const { dial, handles, listener, address } = await listening(t)
  const socket = await dial()
  t.equal(await ask(socket, 'hello'), 'hello')
  t.match(handles[0]?.endpoints, {
    remoteAddress: '127.0.0.1',
    remotePort: socket.localPort,
    localAddress: '127.0.0.1',
    localPort: address.port
  })
  t.match(listener.counters, { open: 1, accepted: 1, frames: 1, bytesIn: 9, bytesOut: 9 })
  t.equal([...listener.connections].length, 1)
})

t.test(
  'connections that send at the same time do not get into each other, paused or not',
  async (t) => {
    const { dial, listener } = await listening(t, { requestsQueuedMax: 1, writeBytesMax: 1024 })
    const sockets = await Promise.all([1, 2, 3, 4].map(dial))
    const bodies = sockets.map((_, index) =>
      Array.from({ length: 12 }, (_, round) => Buffer.alloc(100 + round * 50_000, 97 + index))
    )
    const echoed = sockets.map(async (socket, index) => {
      const all = bodies[index] ?? []
      const bytes = all.reduce((sum, body) => sum + body.length + 4, 0)
      const chunks: Buffer[] = []
      let received = 0
      socket.write(Buffer.concat(all.map(framed)))
      for await (const chunk of socket) {
        chunks.push(chunk)
        received += chunk.length
        if (received >= bytes) break
      }
      return Buffer.concat(chunks).equals(Buffer.concat(all.map(framed)))
    })
    t.strictSame(await Promise.all(echoed), [true, true, true, true])
    t.ok(listener.counters.pausedForQueue + listener.counters.pausedForAnswers > 0)
  }
)

t.test('connections beyond the limit are closed on arrival, and said so once', async (t) => {
  const { dial, listener, events } = await listening(t, { connectionsMax: 1 })
  const first = await dial()
  t.equal(await ask(first, 'one'), 'one')
  for (let i = 0; i < 3; i++) {
    const socket = await dial()
    await once(socket, 'close')
  }
  t.equal(listener.counters.refused, 3)
  t.strictSame(events, ['connections-refused'])
  t.equal(await ask(first, 'still'), 'still')
  first.destroy()
  while (listener.counters.open > 0) await settled()
  t.equal(await ask(await dial(), 'room again'), 'room again')
})

t.test('closing lets what was received be answered', async (t) => {
  const { dial, held, listener } = await listening(t)
  const busy = await dial()
  const idle = await dial()
  busy.write(framed('hold'))
  while (held.length === 0) await settled()
  const idleClosed = once(idle, 'close')
  idle.resume()
  const closed = listener.close(5000)
  await idleClosed
  const answer = once(busy, 'data')
  held[0]?.()
  t.equal(((await answer) as [Buffer])[0].toString('latin1', 4), 'held')
  await closed
  t.equal(listener.counters.open, 0)
})

t.test('closing ends at its deadline', async (t) => {
  const { clock, dial, held, listener } = await listening(t)
  const busy = await dial()
  busy.write(framed('hold'))
  while (held.length === 0) await settled()
  const closed = listener.close(5000)
  await clock.advance(4999)
  t.equal(listener.counters.open, 1)
  await clock.advance(1)
  await closed
  t.equal(listener.counters.open, 0)
})

t.test('idle connections are found by the sweep', async (t) => {
  const { clock, dial, listener, events } = await listening(t, { idleMs: 5000, sweepMs: 1000 })
  const socket = await dial()
  t.equal(await ask(socket, 'one'), 'one')
  const closed = once(socket, 'close')
  await clock.advance(5000)
  await closed
  t.equal(listener.counters.idle, 1)
  t.strictSame(events, ['idle-closed'])
})

t.test('idle clients wake nobody before one of them may have to be closed', async (t) => {
  const limits = { idleMs: 600_000, slowReaderMs: 60_000, sweepMs: 1000 }
  const { clock, dial, listener } = await listening(t, limits)
  const first = await dial()
  t.equal(await ask(first, 'one'), 'one')
  t.equal(clock.quietMs, limits.slowReaderMs, 'from now on it may take no answers')
  await clock.advance(30_000)
  const second = await dial()
  t.equal(await ask(second, 'two'), 'two')
  t.equal(clock.timers, 1)
  await clock.advance(limits.idleMs - 30_001)
  t.equal(listener.counters.open, 2)
  await clock.advance(1)
  while (listener.counters.open > 1) await settled()
  t.equal(clock.quietMs, 30_000, 'the next look is for the second')
  await clock.advance(30_000)
  while (listener.counters.open > 0) await settled()
  t.equal(listener.counters.idle, 2)
})

t.test('no timer is set while nobody is connected', async (t) => {
  const { clock, dial, listener } = await listening(t, { idleMs: 5000, sweepMs: 1000 })
  t.equal(clock.timers, 0)
  for (let i = 0; i < 2; i++) {
    const socket = await dial()
    t.equal(await ask(socket, 'one'), 'one')
    t.equal(clock.timers, 1)
    await clock.advance(3000)
    t.equal(clock.timers, 1)
    socket.destroy()
    while (listener.counters.open > 0) await settled()
    t.equal(clock.timers, 0)
  }
})

t.test('a port that is taken is refused with its reason', async (t) => {
  const { address } = await listening(t)
  const shared = tcpShared(tcpLimits(), new FakeClock(), () => {}, systemTurns)
  const protocol: Protocol = {
    name: 'none',
    order: 'request',
    inFlightMax: 1,
    open: () => ({ mayOverlap: () => false, handle: () => [] })
  }
  const second = new Listener(protocol, shared)
  await t.rejects(second.listen(address), { code: 'EADDRINUSE' })
})

t.test('limits outside their range are refused by name', async (t) => {
  t.throws(() => tcpLimits({ frameBytesMax: 10 }), /frameBytesMax must be an integer from 1024/)
  t.throws(() => tcpLimits({ idleMs: Number.NaN }), /idleMs/)
  t.equal(tcpLimits({ idleMs: 1000 }).idleMs, 1000)
})
