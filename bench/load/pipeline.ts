import net from 'node:net'

export interface PipelineOptions {
  host: string
  port: number
  /** Requests kept in flight. */
  depth: number
  next(): Buffer
  /** Takes an answer's body, which begins after the correlation id, and when its request was sent. */
  take(body: Buffer, beganMs: number): void
  fail(why: string): void
}

/** One connection that sends the next request whenever an answer came. */
export function startPipeline(o: PipelineOptions): void {
  const began: number[] = []
  let buffered: Buffer[] = []
  let have = 0
  let want = 4
  const socket = net.connect(o.port, o.host)
  const send = (): void => {
    began.push(performance.now())
    socket.write(o.next())
  }
  socket.setNoDelay(true)
  socket.on('error', (error) => o.fail(error.message))
  socket.on('close', () => o.fail('the server closed the connection'))
  socket.on('connect', () => {
    for (let i = 0; i < o.depth; i++) send()
  })
  socket.on('data', (chunk) => {
    buffered.push(chunk)
    have += chunk.length
    while (have >= want) {
      const whole = buffered.length === 1 && buffered[0] ? buffered[0] : Buffer.concat(buffered)
      want = 4 + whole.readInt32BE(0)
      buffered = [whole]
      if (have < want) return
      o.take(whole.subarray(8, want), began.shift() ?? 0)
      const rest = whole.subarray(want)
      have = rest.length
      buffered = have > 0 ? [rest] : []
      want = 4
      send()
    }
  })
}
