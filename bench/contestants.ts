import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OwnServer } from '../test/clients/server.ts'
import { KafkaPeer } from './peers/kafka.ts'

/** A server in the race. */
export interface Contestant {
  name: string
  bootstrap: string
  pid: number
  /** Starts it on an empty folder, or on the one it had; resolves when it listens. */
  start(on: 'an empty folder' | 'its folder'): Promise<void>
  stop(): Promise<void>
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  /** The data's folder, with everything in it. */
  readonly folder: string
}

export interface ContestantOptions {
  /** Where the servers' folders are made. */
  folder: string
  /** Isthmus writes a CPU profile here when it ends. */
  profile?: string | undefined
}

function isthmus(name: string, flush: 'sync' | 'async', o: ContestantOptions): Contestant {
  const folder = join(o.folder, name)
  let server: OwnServer | undefined
  return {
    name,
    get bootstrap() {
      return server?.bootstrap ?? ''
    },
    get pid() {
      return server?.pid() ?? 0
    },
    async start(on) {
      if (on === 'an empty folder') await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
      server = new OwnServer(folder, ['--flush', flush])
      if (o.profile) server.nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${o.profile}`]
      await server.start(0)
    },
    async stop() {
      await server?.stop('SIGTERM')
      server = undefined
    },
    async kill() {
      await server?.stop('SIGKILL')
      server = undefined
    },
    folder
  }
}

function kafka(o: ContestantOptions): Contestant {
  const folder = join(o.folder, 'kafka')
  const peer = new KafkaPeer(folder)
  return {
    name: 'kafka',
    get bootstrap() {
      return peer.bootstrap
    },
    get pid() {
      return peer.pid
    },
    async start(on) {
      if (on === 'an empty folder') await peer.format()
      await peer.start()
    },
    stop: () => peer.stop(),
    kill: () => peer.stop('SIGKILL'),
    folder
  }
}

export const contestantNames = ['isthmus', 'isthmus-async', 'kafka'] as const

/** Isthmus with every ack fsynced (its default), without, and Apache Kafka at its defaults (it does not fsync). */
export function makeContestant(name: string, o: ContestantOptions): Contestant {
  if (name === 'isthmus') return isthmus(name, 'sync', o)
  if (name === 'isthmus-async') return isthmus(name, 'async', o)
  if (name === 'kafka') return kafka(o)
  throw new Error(`no contestant ${name}: there are ${contestantNames.join(', ')}`)
}
