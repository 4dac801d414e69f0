/** Asks the server of a data folder to do something, over the socket in that folder. */
import { request } from 'node:http'
import type { BackupReport } from '../../storage/index.ts'
import { controlBodyBytesMax, controlPlace, controlRequests, socketPath } from './control-path.ts'

/** The server refused or failed; its own words. */
export class ControlError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ControlError'
  }
}

/** No server listens there. */
const absentCodes = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'])

/**
 * Has the running server of `data` make a backup; undefined if none listens there.
 * @throws ControlError, and the operating system's errors (EACCES for another user's server)
 */
export async function askForBackup(
  data: string,
  folder: string
): Promise<BackupReport | undefined> {
  const path = socketPath(controlPlace(data).socket)
  if (path === undefined) return undefined
  try {
    const { status, text } = await post(path, controlRequests.backup, JSON.stringify({ folder }))
    const body = JSON.parse(text) as BackupReport & { readonly error?: string }
    if (status !== 200) throw new ControlError(body.error ?? `the server answered ${status}`)
    return body
  } catch (error) {
    if (absentCodes.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function post(
  socket: string,
  path: string,
  body: string
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path, method: 'POST' }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= controlBodyBytesMax) chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
