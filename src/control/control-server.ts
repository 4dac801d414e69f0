/**
 * What the server listens on for the operator's commands: HTTP over a socket in the data folder. `POST /backup` with
 * `{"folder": "/an/absolute/path"}` is the only request.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isAbsolute } from 'node:path'
import {
  BackupError,
  type BackupErrorCode,
  type BackupReport,
  type FileSystem,
  StoreError
} from '../../storage/index.ts'
import { close, listen } from '../http/node-server.ts'
import { controlBodyBytesMax, controlPlace, controlRequests, socketPath } from './control-path.ts'

const limits = {
  connectionsMax: 16,
  headerBytesMax: 8192,
  /** For a whole request; its answer may take as long as a backup takes. */
  requestTimeoutMs: 10_000
} as const

export interface ControlActions {
  readonly backup: (folder: string) => Promise<BackupReport>
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

const statusOf: Record<BackupErrorCode, number> = {
  'folder-taken': 409,
  'no-parent': 409,
  busy: 409,
  unfinished: 500
}

/**
 * Listens in the data folder, which no other process may have open: a socket that a killed server left is removed.
 * Rejects where the operating system refuses.
 */
export async function startControl(
  fileSystem: FileSystem,
  data: string,
  actions: ControlActions
): Promise<{ close(): Promise<void> }> {
  const { folder, socket } = controlPlace(data)
  const path = socketPath(socket)
  if (path === undefined) throw new Error('the path is too long for a socket')
  await fileSystem.makeFolder(folder, true)
  await fileSystem.unlink(socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  const server = createServer(
    { maxHeaderSize: limits.headerBytesMax, requestTimeout: limits.requestTimeoutMs },
    (request, response) => void respond(request, response, actions)
  )
  server.maxConnections = limits.connectionsMax
  await listen(server, { path })
  return { close: () => close(server) }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  actions: ControlActions
): Promise<void> {
  // Whoever asked may be gone before the answer.
  response.on('error', () => {})
  request.on('error', () => {})
  const { status, body } = await answer(request, actions)
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close'
  })
  response.end(text)
}

async function answer(request: IncomingMessage, { backup }: ControlActions): Promise<Answer> {
  if (request.url !== controlRequests.backup || request.method !== 'POST')
    return refusal(404, `there is only POST ${controlRequests.backup}`)
  const folder = await folderIn(request)
  if (folder === undefined) return refusal(400, 'the body must be {"folder": "/an/absolute/path"}')
  try {
    return { status: 200, body: await backup(folder) }
  } catch (error) {
    if (error instanceof BackupError) return refusal(statusOf[error.code], error.message)
    if (error instanceof StoreError) return refusal(503, error.message)
    throw error
  }
}

function refusal(status: number, error: string): Answer {
  return { status, body: { error } }
}

/** The folder that a body names; undefined for any other body. */
async function folderIn(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > controlBodyBytesMax) return undefined
      chunks.push(chunk)
    }
    const { folder } = JSON.parse(Buffer.concat(chunks).toString()) as { folder?: unknown }
    return typeof folder === 'string' && isAbsolute(folder) ? folder : undefined
  } catch {
    return undefined
  }
}
