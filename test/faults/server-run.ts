/**
 * One seeded run of a whole server: clients of both protocols work over sockets while its disk fails, its process goes
 * or its machine goes, and bits rot; it wakes on what was left, and what clients were told must hold. The seed decides
 * about disk and clients; when bytes arrive, the sockets decide.
 */
import { setImmediate } from 'node:timers/promises'
import { defaultConfig } from '../../src/config.ts'
import { type Server, startServer } from '../../src/server.ts'
import type { World } from '../../src/world.ts'
import { checkStore, type FlushMode, type LogSink } from '../../storage/index.ts'
import { RemotingConnection } from '../clients/remoting.ts'
import type { SeenRecord } from '../crash/history.ts'
import { decodeBatches } from '../crash/raw-bytes.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { createTopic } from '../crash/raw-requests.ts'
import { idOf } from '../crash/record-content.ts'
import { Violation } from '../storage/power-cut/violation.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { fetchOrCode, latestOffset } from './askers.ts'
import { Clients } from './clients.ts'
import { FaultHistory } from './fault-history.ts'
import { FaultWorld } from './fault-world.ts'
import { type Opened, Rot } from './rot.ts'

export interface ServerRunOptions {
  readonly flushMode: FlushMode
  /** Bits turn over in segments, between lives and while the server lives; `unseen`: checksums match all the same. */
  readonly rots?: 'seen' | 'unseen'
  /** Puts something between the server and its machine, to see that its faults are found. */
  readonly worldOf?: (world: World) => World
}

export interface ServerRunReport {
  readonly lives: number
  readonly acknowledged: number
  readonly given: number
  readonly toldEnds: number
  readonly timers: number
  readonly disowned: number
  readonly flips: number
  readonly damagesReported: number
  readonly corruptAnswers: number
  readonly compactions: number
}

const endings = [
  'power',
  'power',
  'kill',
  'write-fails',
  'sync-fails',
  'read-fails',
  'disk-full',
  'close'
] as const
type Ending = (typeof endings)[number]

const kib = 1024
const reserveBytes = 64 * kib
const corruptMessage = 2
/** Acknowledgements by which a call that is to fail mostly has. */
const failsByMax = 200
/** Turns of the event loop after which a life ends that nothing else ends: all who write were refused. */
const lifeTurnsMax = 3000
/** Turns in which a server would have got further, many times over. */
const idleTurnsMax = 2000

export class ServerRun {
  readonly #random: SeededRandom
  readonly #options: ServerRunOptions
  readonly #history: FaultHistory
  readonly #clients: Clients
  readonly #world: FaultWorld
  readonly #rot: Rot
  #opened: Opened = { cut: undefined, damages: [] }
  #failed = false
  #server: Server | undefined
  #clientFailure: unknown
  /** Ends when the clients have. */
  #loaded: Promise<void> = Promise.resolve()
  #damagesReported = 0
  #corruptAnswers = 0
  #compactions = 0
  /** What happened so far, for whoever has to find out why. */
  readonly story: string[] = []

  constructor(seed: number, options: ServerRunOptions) {
    this.#random = new SeededRandom(seed)
    this.#options = options
    this.#history = new FaultHistory(options.flushMode, (partition) =>
      this.#rot.lostOf(this.#clients.load.topic, partition)
    )
    const isSync = options.flushMode === 'sync'
    const now = () => this.#world.clock.now()
    this.#clients = new Clients(this.#random.fork(), this.#history, isSync, this.#rots, now)
    this.#world = new FaultWorld(this.#random.fork(), Date.now())
    this.#rot = new Rot(this.#random.fork(), options.rots === 'unseen')
  }

  get #rots(): boolean {
    return this.#options.rots !== undefined
  }

  /** Rejects with Violation where the server broke its word. */
  async run(): Promise<ServerRunReport> {
    try {
      await this.#world.index.lay('lost')
      await this.#begin()
      const lives = this.#random.between(2, 4)
      for (let life = 0; life < lives; life++) await this.#live()
      await this.#finish()
      const { acknowledged, given, toldEnds, disowned } = this.#history
      return {
        lives,
        acknowledged,
        given,
        toldEnds,
        timers: this.#clients.timers.acknowledged,
        disowned,
        flips: this.#rot.flips,
        damagesReported: this.#damagesReported,
        corruptAnswers: this.#corruptAnswers,
        compactions: this.#compactions
      }
    } catch (error) {
      throw new Error(`${error}\n${this.story.join('\n')}`, { cause: error })
    } finally {
      this.#world.disk.stop()
      await this.#server?.close().catch(() => undefined)
      await this.#world.end()
    }
  }

  /** Topics, in a snapshot: were their only state damaged, all would be lost that is in them. */
  async #begin(): Promise<void> {
    const server = await this.#open()
    const connection = await RawConnection.open(addressesOf(server).kafka)
    const { topic, partitions } = this.#clients.load
    await createTopic(connection, topic, partitions)
    await createTopic(connection, this.#clients.timers.topic, 1)
    await this.#clients.compacted?.make(connection)
    connection.close()
    await this.#close(server)
  }

  async #live(): Promise<void> {
    const random = this.#random
    if (random.chance(0.25)) this.#world.disk.stopAfter(random.integer(80))
    const server = await this.#open().catch((error) => {
      if (!this.#world.disk.stopped) throw error
      return undefined
    })
    if (server === undefined) {
      this.#note(`stopped within open; power cut, index ${await this.#world.powerCut()}`)
      return
    }
    this.#world.disk.stopAfter(Number.POSITIVE_INFINITY)
    const ending = random.pick(endings)
    this.#note(`a life that ends with ${ending}`)
    if (!this.#world.disk.stopped) await this.#verify(server)
    await this.#load(server, ending)
    await this.#end(server, ending)
    if (this.#clientFailure !== undefined) throw this.#clientFailure
    if (this.#rots && random.chance(0.7)) await this.#rot.flip(this.#world.disk)
  }

  /** Clients work until what must happen has happened. */
  async #load(server: Server, ending: Ending): Promise<void> {
    const random = this.#random
    const some = ending.endsWith('fails') ? failsByMax : random.integer(random.pick([20, 80, 300]))
    const enough = this.#history.acknowledged + some
    this.#arrange(ending)
    this.#world.mayCopy = true
    let isDone = false
    const clock = this.#world.clock
    this.#loaded = this.#clients
      .run(addressesOf(server), () => clock.now())
      .catch((error) => {
        this.#clientFailure = error
      })
      .finally(() => {
        isDone = true
      })
    const { disk } = this.#world
    let [idle, before] = [0, '']
    for (let turn = 0; !isDone && !disk.stopped && !this.#failed; turn++) {
      const { acknowledged, given, toldEnds } = this.#history
      if (acknowledged > enough || turn > lifeTurnsMax) break
      const now = `${[acknowledged, given, toldEnds, disk.calls]}`
      idle = now === before ? idle + 1 : 0
      before = now
      if (idle > idleTurnsMax) throw new Violation('nothing happens any more')
      await setImmediate()
      if (this.#rots && random.chance(0.005)) await this.#rot.flip(disk)
    }
    this.#world.mayCopy = false
  }

  #arrange(ending: Ending): void {
    const { disk } = this.#world
    const random = this.#random
    const some = random.integer(random.pick([20, 150, 600]))
    if (ending === 'power' || ending === 'kill') disk.stopAfter(some)
    if (ending === 'write-fails')
      disk.failNext('writev', random.pick(['EIO', 'ENOSPC']), /./, Math.floor(some / 3))
    if (ending === 'sync-fails') disk.failNext('datasync', 'EIO', /./, Math.floor(some / 3))
    if (ending === 'read-fails') disk.faults.readFails = 0.2
    if (ending === 'disk-full') disk.leaveFree(reserveBytes + random.integer(64 * kib))
  }

  async #end(server: Server, ending: Ending): Promise<void> {
    const { disk } = this.#world
    disk.faults.readFails = 0
    disk.leaveFree(2 ** 30)
    const isAlive = !disk.stopped && !this.#failed
    if (isAlive && (ending === 'close' || ending === 'disk-full')) {
      await this.#close(server)
      await this.#world.index.lay('kept')
      this.#told('kill')
      return
    }
    const isKill = ending === 'kill' || (ending === 'read-fails' && !this.#failed)
    if (isKill) this.#note(`killed, index ${await this.#world.kill()}`)
    else if (this.#failed && this.#random.chance(0.5))
      this.#note(`failed and killed, index ${await this.#world.kill()}`)
    else this.#note(`power cut, index ${await this.#world.powerCut()}`)
    await this.#abandon(server)
    // After a failed write or fsync nothing is promised in async but what was fsynced.
    this.#told(isKill ? 'kill' : 'power')
  }

  #told(what: 'kill' | 'power'): void {
    if (what === 'kill') {
      this.#history.processKilled()
      this.#clients.timers.processKilled()
      return
    }
    this.#history.powerCut()
    this.#clients.timers.powerCut()
    if (this.#options.flushMode === 'async') this.#clients.renew()
  }

  async #close(server: Server): Promise<void> {
    await server.close()
    await this.#loaded
    const left = [...this.#world.disk.openFiles].map(({ path }) => path)
    if (left.length > 0) throw new Violation(`files left open: ${left}`)
  }

  /** What a server still does whose disk is no more, it does to nobody. */
  async #abandon(server: Server): Promise<void> {
    await server.close().catch(() => undefined)
    await this.#loaded
  }

  async #verify(server: Server): Promise<void> {
    const { topic, partitions } = this.#clients.load
    if (this.#rots && this.#rot.explain(this.#opened)) {
      this.#history.commitsLost()
      this.#clients.renew()
    }
    const connection = await RawConnection.open(addressesOf(server).kafka)
    try {
      for (let partition = 0; partition < partitions; partition++) {
        const lost = this.#rot.lostOf(topic, partition)
        const records = await this.#readAll(connection, partition, lost)
        this.#history.readAll(partition, records, lost)
      }
    } finally {
      connection.close()
    }
    await this.#clients.compacted?.readAll(addressesOf(server).kafka)
    this.#history.judge()
  }

  async #readAll(
    connection: RawConnection,
    partition: number,
    lost: ReadonlySet<number>
  ): Promise<SeenRecord[]> {
    const { topic } = this.#clients.load
    const end = await latestOffset(connection, topic, partition)
    const all: SeenRecord[] = []
    for (let at = 0; at < end; ) {
      const { code, records } = await fetchOrCode(connection, topic, partition, at)
      if (code === corruptMessage && lost.has(at)) {
        this.#corruptAnswers++
        at++
        continue
      }
      if (code !== 0) throw new Violation(`${partition}@${at}: error code ${code}`)
      const more = decodeBatches(records).filter(({ offset }) => offset >= at)
      const last = more.at(-1)
      if (last === undefined && lost.has(at)) {
        at++
        continue
      }
      if (last === undefined) throw new Violation(`${partition}@${at} of ${end} gives nothing`)
      all.push(...more.map(({ offset, value }) => ({ offset, id: idOf(value) })))
      at = last.offset + 1
    }
    return all
  }

  async #finish(): Promise<void> {
    const server = await this.#open()
    await this.#verify(server)
    const connection = await RemotingConnection.open(addressesOf(server).broker)
    this.#world.isHasty = true
    const endMs = this.#world.clock.now() + 60_000
    const patience = () => this.#world.clock.now() < endMs
    const faults = await this.#clients.timers.faults(connection, patience)
    connection.close()
    if (faults.length > 0) throw new Violation(faults.slice(0, 5).join(', '))
    await this.#close(server)
    if (this.#rots) return
    const { problems } = await checkStore(this.#world.disk, '/data')
    if (problems.length > 0) throw new Violation(`the checker says: ${JSON.stringify(problems)}`)
  }

  async #open(): Promise<Server> {
    this.#world.renewClock()
    const opened = { cut: undefined, damages: [] as unknown[] }
    const log: LogSink = (_, event, fields) => {
      if (event === 'log-tail-cut') Object.assign(opened, { cut: fields })
      if (event === 'compacted') this.#compactions++
      if (event === 'log-damaged') opened.damages.push(fields)
      if (event.startsWith('log-') || event.startsWith('store-') || event.startsWith('leader-'))
        this.#note(`${event} ${JSON.stringify(fields)}`)
    }
    const { world } = this.#world
    const server = await startServer({
      config: {
        ...smallConfig,
        flush: this.#options.flushMode
      },
      log,
      world: this.#options.worldOf?.(world) ?? world
    })
    this.#server = server
    this.#opened = opened as unknown as Opened
    this.#damagesReported += opened.damages.length
    if (opened.damages.length > 0 && !this.#rots)
      throw new Violation(`damage where none was done: ${JSON.stringify(opened.damages)}`)
    this.#failed = false
    void server.failure.then(() => {
      this.#failed = true
    })
    return server
  }

  #note(text: string): void {
    this.story.push(text)
  }
}

const smallConfig = {
  ...defaultConfig(),
  data: '/data',
  kafkaPort: 0,
  namesrvPort: 0,
  brokerPort: 0,
  httpPort: 0,
  segmentBytes: 64 * kib,
  flushBytesMax: 16 * kib,
  checkpointBytes: 16 * kib,
  tailBytes: 64 * kib,
  coldCacheBytes: 0,
  openFilesMax: 2,
  heldTimersMax: 16,
  reserveBytes,
  // A life is long enough for what a store does by itself.
  retentionCheckIntervalMs: 50,
  cleanerBytesPerSecondMax: 2 ** 30
}

function addressesOf({ addresses }: Server): { kafka: string; broker: string } {
  const { kafka, broker } = addresses
  return { kafka: `${kafka.host}:${kafka.port}`, broker: `${broker.host}:${broker.port}` }
}
