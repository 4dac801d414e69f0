/*
 * Clients that begin and do not end, ask and do not listen, or just stay, at the built server. IDLE_CONNECTIONS in the
 * environment sets how many of the last kind there are.
 */
import t, { type Test } from 'tap'
import { encodeRequest } from '../../gateway/kafka/codec/index.ts'
import { apiVersionsRequest } from '../../gateway/kafka/schemas/api-versions.ts'
import { fetchRequest } from '../../gateway/kafka/schemas/fetch.ts'
import { encodeCommand } from '../../gateway/rocketmq/codec/index.ts'
import { requestCodes } from '../../gateway/rocketmq/request-codes.ts'
import { Attacker, within } from './attacker.ts'
import { type Port, Target } from './target.ts'

const mebibyte = 1024 * 1024
/** Before the server closes who takes no answers, or holds room for a frame and sends nothing, ms. */
const slowReaderMs = 500
/** For the server to close those; its own times, and a busy machine's. */
const closeMs = 20_000
/** Nothing taken for so long: the server has stopped reading. */
const stuckMs = 500
/** Far more than the socket buffers between the two ends take. */
const floodBytes = 40 * mebibyte
/** Of the frames that others send; more than the target's room for one connection. */
const largeBytes = 3 * mebibyte
const idleConnections = Number(process.env.IDLE_CONNECTIONS ?? 5000)

t.setTimeout(240_000)

const binaryPorts = ['kafka', 'namesrv', 'broker'] as const

/** A small request of the port with an answer many times its size, where there is one. */
const request: Record<Port, Buffer> = {
  kafka: Buffer.concat(
    encodeRequest(
      apiVersionsRequest,
      3,
      { correlationId: 7, clientId: 'x' },
      {
        clientSoftwareName: 'x',
        clientSoftwareVersion: '1'
      }
    )
  ),
  namesrv: remotingRequest(requestCodes.GET_NAMESRV_CONFIG),
  broker: remotingRequest(requestCodes.GET_BROKER_CONFIG),
  http: Buffer.from('GET /metrics HTTP/1.1\r\nhost: isthmus\r\n\r\n')
}

function remotingRequest(code: number): Buffer {
  const command = {
    serialization: 'binary',
    code,
    language: 'JAVA',
    version: 479,
    opaque: 7,
    flag: 0,
    remark: null,
    fields: new Map<string, string>()
  } as const
  return Buffer.concat(encodeCommand(command, []))
}

/** Whether a whole answer is there. */
function isWhole(port: Port): (bytes: Buffer) => boolean {
  if (port === 'http')
    return (bytes) => bytes.includes('HTTP/1.1 200') && bytes.includes('\r\n\r\n')
  return (bytes) => bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)
}

function openMany(count: number, address: string, deaf = false): Promise<Attacker[]> {
  return Promise.all(Array.from({ length: count }, () => Attacker.open(address, deaf)))
}

async function allLeave(attackers: readonly Attacker[]): Promise<void> {
  await Promise.all(attackers.map((attacker) => attacker.leave()))
}

const slow = ['--slow-reader-ms', '--frame-stall-ms'].flatMap((name) => [name, `${slowReaderMs}`])
const target = await Target.open(t, [...slow, '--sweep-ms', '100'])

await t.test('half frames that are never finished', async (t) => {
  for (const port of binaryPorts) {
    await t.test(port, async (t) => {
      const bytes = Buffer.alloc(9 * mebibyte)
      bytes.writeInt32BE(10 * mebibyte)
      const attackers = await openMany(40, target.address(port))
      await target.during(t, async () => {
        for (const attacker of attackers) void attacker.write(bytes)
        t.ok(await closings(port, 'stalled-frame'), 'who holds room and goes on no more is closed')
        await allLeave(attackers)
      })
    })
  }
})

await t.test('large frames of others while half frames use up the room', async (t) => {
  for (const port of binaryPorts) {
    await t.test(port, async (t) => {
      const half = Buffer.alloc(mebibyte)
      half.writeInt32BE(mebibyte + 1)
      const attackers = await openMany(20, target.address(port))
      await target.during(t, async () => {
        for (const attacker of attackers) void attacker.write(half)
        // As soon as those are closed that hold the room and send nothing.
        await sendLarge(t, port)
        await allLeave(attackers)
      })
    })
  }
})

/** A whole frame, larger than what one connection may hold of half ones, and the end that it comes to. */
async function sendLarge(t: Test, port: Port): Promise<void> {
  const client = await Attacker.open(target.address(port))
  const frame = Buffer.alloc(largeBytes)
  request[port].copy(frame)
  // Requests that are longer than they have to be: what is behind the fields is a body nobody asked for.
  frame.writeInt32BE(largeBytes - 4)
  const taken = Promise.all([client.write(frame), client.settles(closeMs)])
  t.ok(await within(closeMs, taken), 'a large frame is taken')
  t.ok(client.receivedBytes > 0, 'and answered')
  await client.leave()
}

await t.test('requests that are begun and left at that', async (t) => {
  for (const port of ['kafka', 'namesrv', 'broker', 'http'] as const) {
    await t.test(port, async (t) => {
      // The operator's port has places for so many.
      const attackers = await openMany(port === 'http' ? 50 : 300, target.address(port))
      await target.during(t, async () => {
        for (const [i, attacker] of attackers.entries()) {
          await attacker.write(request[port].subarray(0, 1 + (i % 20)))
        }
        await target.witnessed(3)
        await allLeave(attackers)
      })
    })
  }
})

await t.test('a flood of requests by clients that take no answers', async (t) => {
  for (const port of ['kafka', 'namesrv', 'broker', 'http'] as const) {
    await t.test(port, async (t) => {
      const attackers = await openMany(10, target.address(port), true)
      const many = Buffer.concat(Array.from({ length: 1000 }, () => request[port]))
      await target.during(t, async () => {
        const poured = attackers.map((attacker) => attacker.pour(many, floodBytes, stuckMs))
        const taken = await Promise.all(poured)
        for (const bytes of taken) t.ok(bytes < floodBytes, 'the server stops reading it')
        if (port !== 'http') t.ok(await closings(port, 'slow-reader'), 'and closes it')
        await allLeave(attackers)
      })
    })
  }
})

await t.test('a flood by clients that read', async (t) => {
  for (const port of binaryPorts) {
    await t.test(port, async (t) => {
      const attackers = await openMany(4, target.address(port))
      const many = Buffer.concat(Array.from({ length: 500 }, () => request[port]))
      await target.during(t, async () => {
        await Promise.all(
          attackers.map((attacker) => attacker.pour(many, 4 * many.length, closeMs))
        )
        await allLeave(attackers)
      })
    })
  }
})

await t.test('requests that come byte by byte are answered', async (t) => {
  for (const port of ['kafka', 'namesrv', 'broker', 'http'] as const) {
    await t.test(port, async (t) => {
      const attackers = await openMany(10, target.address(port))
      await target.during(t, async () => {
        const answers = attackers.map((attacker) => attacker.receive(isWhole(port)))
        await Promise.all(attackers.map((attacker) => byteByByte(attacker, request[port])))
        await t.resolves(Promise.all(answers))
        await allLeave(attackers)
      })
    })
  }
})

async function byteByByte(attacker: Attacker, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at++) {
    await attacker.write(bytes.subarray(at, at + 1))
    // The byte leaves before the next one is written.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

await t.test(
  'connections that are shut on one side, or reset with a request under way',
  async (t) => {
    const waiting = Buffer.concat(
      encodeRequest(
        fetchRequest,
        4,
        { correlationId: 1, clientId: 'x' },
        {
          replicaId: -1,
          maxWaitMs: 60_000,
          minBytes: 1_000_000,
          maxBytes: mebibyte,
          isolationLevel: 0,
          topics: [
            {
              topic: 'witness-kafka',
              partitions: [{ partition: 0, fetchOffset: 1_000_000, partitionMaxBytes: mebibyte }]
            }
          ]
        }
      )
    )
    for (const port of ['kafka', 'namesrv', 'broker', 'http'] as const) {
      await t.test(port, async (t) => {
        const bytes = port === 'kafka' ? waiting : request[port]
        await target.during(t, async () => {
          const halves = await openMany(50, target.address(port))
          for (const [i, attacker] of halves.entries()) {
            await attacker.write(bytes.subarray(0, i % 2 === 0 ? bytes.length : 5))
            attacker.socket.end()
          }
          const closed = Promise.all(halves.map((attacker) => attacker.closed))
          t.ok(await within(closeMs, closed), 'what is shut on one side is closed on the other')
          const resets = await openMany(50, target.address(port))
          for (const attacker of resets) {
            await attacker.write(bytes)
            attacker.socket.resetAndDestroy()
          }
          await allLeave(resets)
        })
      })
    }
    const few = async () => (await target.figure('isthmus_waiters')) <= 2
    t.ok(await comesTrue(few), 'no read waits for them')
  }
)

await t.test(`${idleConnections} idle connections`, async (t) => {
  for (const port of binaryPorts) {
    await t.test(port, (t) => stayIdle(t, port))
  }
})

await t.test("more idle connections than the operator's port has places", async (t) => {
  await target.during(t, async () => {
    // One after the other: sixty-four at once could push out a client between its coming and its asking.
    const attackers: Attacker[] = []
    while (attackers.length < 200) attackers.push(await Attacker.open(target.address('http')))
    await target.witnessed(3)
    await allLeave(attackers)
  })
})

async function stayIdle(t: Test, port: Port): Promise<void> {
  const attackers: Attacker[] = []
  await target.during(t, async () => {
    for (let left = Math.ceil(idleConnections / binaryPorts.length); left > 0; left -= 50) {
      attackers.push(...(await openMany(Math.min(left, 50), target.address(port))))
    }
    await target.witnessed(3)
    const gone = attackers.filter(({ socket }) => socket.readableEnded || socket.destroyed)
    t.equal(gone.length, 0, 'all may stay')
    await allLeave(attackers)
  })
}

await t.test('the end', (t) => target.close(t))

/** Whether the server closes a connection of the port for this reason, before long. */
async function closings(port: Port, reason: string): Promise<boolean> {
  const protocol = port === 'kafka' ? port : `rocketmq-${port}`
  const name = `isthmus_connections_closed_total{protocol="${protocol}",reason="${reason}"}`
  return await comesTrue(async () => (await target.figure(name)) > 0)
}

/** Asks until it is so, or has not been for too long. */
async function comesTrue(ask: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + closeMs
  while (!(await ask())) {
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}
