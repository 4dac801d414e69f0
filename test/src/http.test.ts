import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { healthOf, healthPage } from '../../src/http/health.ts'
import { httpLimits, type Pages, startHttpServer } from '../../src/http/http-server.ts'

async function open(t: Test, pages: Pages) {
  const errors: unknown[] = []
  const server = await startHttpServer(pages, '127.0.0.1', 0, (path, error) => {
    errors.push([path, (error as Error).message])
  })
  t.teardown(() => server.close())
  return { errors, port: server.port, url: `http://127.0.0.1:${server.port}` }
}

const page = { status: 200, contentType: 'text/plain', body: 'naïve\n' }

t.test('a page is answered to GET and HEAD, with or without a query', async (t) => {
  const { url } = await open(t, { '/a': () => page })
  const got = await fetch(`${url}/a?b=c`)
  t.equal(got.status, 200)
  t.equal(got.headers.get('content-length'), '7')
  t.equal(got.headers.get('cache-control'), 'no-store')
  t.equal(await got.text(), page.body)
  const head = await fetch(`${url}/a`, { method: 'HEAD' })
  t.equal(head.headers.get('content-length'), '7')
  t.equal(await head.text(), '')
})

t.test('other paths are 404, names of Object too, and other methods 405', async (t) => {
  const { url } = await open(t, { '/a': () => page })
  t.equal((await fetch(`${url}/b`)).status, 404)
  t.equal((await fetch(`${url}/constructor`)).status, 404)
  t.equal((await fetch(`${url}/__proto__`)).status, 404)
  const posted = await fetch(`${url}/a`, { method: 'POST', body: 'x'.repeat(100_000) })
  t.equal(posted.status, 405)
  t.equal(posted.headers.get('allow'), 'GET, HEAD')
  t.equal(posted.headers.get('connection'), 'close')
})

t.test('a page that cannot be made is 500 and told, and the next one is served', async (t) => {
  let made = 0
  const { url, errors } = await open(t, {
    '/a': async () => {
      if (made++ === 0) throw new Error('no luck')
      return page
    }
  })
  t.equal((await fetch(`${url}/a`)).status, 500)
  t.same(errors, [['/a', 'no luck']])
  t.equal((await fetch(`${url}/a`)).status, 200)
})

t.test('headers that are too large are refused', async (t) => {
  const { url } = await open(t, { '/a': () => page })
  const headers = { 'x-long': 'x'.repeat(httpLimits.headerBytesMax) }
  t.equal((await fetch(`${url}/a`, { headers })).status, 431)
})

t.test('at the limit who has asked nothing for longest makes room', async (t) => {
  const { port, url } = await open(t, { '/a': () => page })
  const silent = Array.from({ length: httpLimits.connectionsMax }, () => connect(port, '127.0.0.1'))
  for (const socket of silent) {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  const closed = silent.map((socket, i) => once(socket, 'close').then(() => i))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  // Whose turn it was to be accepted is not known; one that asks goes behind the others.
  silent[0]?.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(silent[0] as Socket, 'data')
  t.equal((await fetch(`${url}/a`)).status, 200)
  t.not(await Promise.race(closed), 0, 'a silent one was closed')
  t.equal(silent.filter(({ destroyed }) => destroyed).length, 1, 'and only one')
})

t.test('a request whose headers do not end is closed, soon after its time', async (t) => {
  const { port } = await open(t, {})
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.resume().on('error', () => {})
  socket.write('GET /a HTTP/1.1\r\n')
  const began = performance.now()
  await closed
  const tookMs = performance.now() - began
  t.ok(tookMs > httpLimits.headersTimeoutMs / 2 && tookMs < 25_000, `after ${tookMs} ms`)
})

t.test('nor may those of the next request take longer, byte by byte', async (t) => {
  const { port } = await open(t, { '/a': () => page })
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'data')
  socket.write('GET /a HTTP/1.1\r\nslow: ')
  // Never silent for long.
  const trickle = setInterval(() => socket.write('x'), 200)
  t.teardown(() => clearInterval(trickle))
  const began = performance.now()
  await closed
  const { headersTimeoutMs, keepAliveTimeoutMs } = httpLimits
  const tookMs = performance.now() - began
  t.ok(tookMs < headersTimeoutMs + keepAliveTimeoutMs + 15_000, `after ${tookMs} ms`)
})

t.test('a body that does not end holds no connection', async (t) => {
  const { port } = await open(t, { '/a': () => page })
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.resume().on('error', () => {})
  socket.write('POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
  const trickle = setInterval(() => socket.write('x'), 200)
  t.teardown(() => clearInterval(trickle))
  await closed
})

t.test('close does not wait for a client that never finishes its request', async (_t) => {
  const server = await startHttpServer({}, '127.0.0.1', 0, () => {})
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /a HTTP/1.1\r\n')
  // A reset is as good as an end.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await server.close()
  await closed
})

t.test('health is 200 when ready and 503 with a reason otherwise', async (t) => {
  const ready = { state: 'ready', reason: '' } as const
  const full = { state: 'disk-full', reason: '3 bytes are left' } as const
  for (const [health, status, body] of [
    [healthOf('up', ready), 200, ready],
    [healthOf('up', full), 503, full],
    [healthOf('starting', undefined), 503, { state: 'starting' }],
    [healthOf('closing', ready), 503, { state: 'closing' }],
    [healthOf('up', undefined), 503, { state: 'failed' }]
  ] as const) {
    const page = healthPage(health)
    t.equal(page.status, status)
    const told = JSON.parse(page.body)
    t.match(told, body)
    t.equal(told.reason === '', status === 200, 'a reason is given where there must be one')
  }
})
