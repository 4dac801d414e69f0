/**
 * Where the commands of an operator find the server of a data folder: a socket in that folder. Who may use it is up to
 * the file system: its folder is made for the server's own user alone. No network reaches it.
 */
import { relative } from 'node:path'

/** The control folder in a data folder, and the socket in it. */
export function controlPlace(data: string): { folder: string; socket: string } {
  return { folder: `${data}/control`, socket: `${data}/control/socket` }
}

/** What the operating systems take as a socket's path, bytes (macOS 104 with the last zero, Linux 108). */
const pathBytesMax = 103

/** The shorter way to say the path; undefined if it cannot be said to the operating system at all. */
export function socketPath(path: string): string | undefined {
  if (process.platform === 'win32') return undefined
  return [path, relative(process.cwd(), path)].find(
    (one) => Buffer.byteLength(one) <= pathBytesMax && one !== ''
  )
}

export const controlRequests = { backup: '/backup' } as const

/** A request's or an answer's body, bytes. */
export const controlBodyBytesMax = 64 * 1024
