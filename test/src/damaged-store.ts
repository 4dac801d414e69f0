/** Stores of a built server that are damaged at rest, and what clients and operators are told of them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { RemotingConnection } from '../clients/remoting.ts'
import { decodeBatches } from '../crash/raw-bytes.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { fetch } from '../crash/raw-requests.ts'
import { get, send, stop } from './command-clients.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** The smallest segments, so that a few records fill several. */
export const small = [
  '--segment-bytes',
  '65536',
  '--tail-bytes',
  '65536',
  '--default-queue-count',
  '1'
]
export const valueBytes = 20_000
export const textOf = (i: number): string => `${i}:`.padEnd(valueBytes, 'x')

export async function run(
  t: Test,
  words: readonly string[],
  code: number
): Promise<RunningCommand> {
  const command = runCommand(t, words)
  t.same(await command.ended, { code, signal: null }, command.errors)
  return command
}

/** A closed store with a topic of ten large records in several segments. */
export async function closedStore(t: Test): Promise<string> {
  const data = join(temporaryFolder(t), 'store')
  const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  for (let i = 0; i < 10; i++) await send(server, 'damaged', [textOf(i)])
  await stop(t, server)
  return data
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))

export const segments = (data: string): string[] => filesIn(join(data, 'log'))

export const snapshots = (data: string): string[] => filesIn(join(data, 'snapshots'))

export function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

/** Where in the log a record's bytes are. */
export function placeOf(data: string, value: string): { path: string; at: number } {
  for (const path of segments(data)) {
    const at = readFileSync(path).indexOf(value)
    if (at >= 0) return { path, at }
  }
  throw new Error(`no segment has ${value.slice(0, 10)}`)
}

/** The answer to a fetch at an offset: the offsets that it has, or its error code. */
export async function fetchAt(
  server: RunningCommand,
  offset: number,
  topic = 'damaged'
): Promise<number[] | number> {
  const { host, port } = await server.address('kafka')
  const connection = await RawConnection.open(`${host}:${port}`)
  try {
    const { records } = await fetch(connection, topic, 0, offset, 0)
    return decodeBatches(records).map((record) => record.offset)
  } catch (error) {
    return (error as { code?: number }).code ?? Number.NaN
  } finally {
    connection.close()
  }
}

/** The answer to a pull of one queue, by RocketMQ's code. */
export async function pull(server: RunningCommand, offset: number): Promise<number> {
  const { host, port } = await server.address('broker')
  const connection = await RemotingConnection.open(`${host}:${port}`)
  const header = {
    consumerGroup: 'g',
    topic: 'damaged',
    queueId: '0',
    queueOffset: `${offset}`,
    maxMsgNums: '1',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subscription: '*',
    subVersion: '0'
  }
  const { code } = await connection.askFields(11, header, Buffer.alloc(0))
  connection.close()
  return code
}

/** One metric's value. */
export async function metric(server: RunningCommand, name: string): Promise<number> {
  const { text } = await get(server, '/metrics')
  return Number(new RegExp(`^isthmus_${name} (\\d+)$`, 'm').exec(text)?.[1])
}

/** Asks until it is more; a server that has its checks to do is given time. */
export async function untilMore(server: RunningCommand, name: string, than: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await metric(server, name)) > than) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${name} is ${await metric(server, name)}`)
}
