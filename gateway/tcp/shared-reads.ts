/**
 * Reading sockets into one buffer. Node gives every read a new buffer of 64 KiB; at hundreds of MB/s those are what the
 * garbage collector runs for (a fifth of the produce path's time). The `onread` option of net.Socket reads into a
 * buffer of the caller's, but net.Server has no way to ask for it: so the accepted socket's handle is put into a socket
 * made with that option. Handle and option `handle` are not documented (Node itself moves handles so between
 * processes); where they are not there, the socket is used as it is, with a buffer a read.
 */
import { Socket } from 'node:net'

/** All connections share it: a read is taken up before the next one happens, whoever's it is. */
const readBufferBytes = 262_144

let readBuffer: Buffer | undefined

interface WithHandle {
  _handle?: object | null
}

interface HandleOptions {
  readonly handle: object
  readonly onread: {
    readonly buffer: Buffer
    readonly callback: (bytes: number, buffer: Buffer) => boolean
  }
}

/** For net.Server: nobody may read before `readShared` is asked. */
export const acceptOptions = { pauseOnConnect: true } as const

/**
 * Returns the socket to use, which starts to read on `resume`. `take` gets what arrives: a view of the shared buffer
 * (`reused` true), good until it returns.
 */
export function readShared(
  accepted: Socket,
  take: (chunk: Buffer, reused: boolean) => void
): Socket {
  const { _handle: handle } = accepted as unknown as WithHandle
  if (!handle) {
    accepted.on('data', (chunk: Buffer) => take(chunk, false))
    return accepted
  }
  ;(accepted as unknown as WithHandle)._handle = null
  readBuffer ??= Buffer.allocUnsafeSlow(readBufferBytes)
  const callback = (bytes: number, buffer: Buffer) => {
    take(buffer.subarray(0, bytes), true)
    return true
  }
  const options: HandleOptions = { handle, onread: { buffer: readBuffer, callback } }
  return new Socket(options as ConstructorParameters<typeof Socket>[0])
}
