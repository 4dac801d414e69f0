/** `isthmus serve`: starts the server and stays until a signal or a failure ends it. */

import { setFlagsFromString } from 'node:v8'
import type { LogSink } from '../../storage/index.ts'
import { absentListeners } from '../config.ts'
import { type LoadedConfig, loadConfig } from '../config-sources.ts'
import { describeError } from '../describe-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { createLog } from '../logger.ts'
import { startServer } from '../server.ts'
import { optionName } from '../setting.ts'
import { version } from '../version.ts'

/** From the first SIGTERM or SIGINT to the end of the process, whatever hangs. */
const closeTimeoutMs = 5_000
/** What of it the watchdog leaves to the process for its own end. */
const closeMarginMs = 300

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Runs the server until SIGTERM, SIGINT or a failed store.
 * @returns the exit code
 * @throws UsageError, StartError and OpenError for a start that cannot work
 */
export async function serve(options: Readonly<Record<string, unknown>>): Promise<number> {
  const loaded = await loadConfig(options, process.env)
  const log = await createLog(loaded.config.logLevel)
  log('info', 'starting', { version, node: process.version, pid: process.pid })
  sayAbsentListeners(loaded, log)
  const ending = watchSignals(log)
  const server = await startServer({ config: loaded.config, log, onReplay: growHeap })
  growHeap()
  const code = await Promise.race([ending, failureOf(server.failure, log)])
  await server.close()
  log('info', 'stopped', { exitCode: code })
  return code
}

/** In percent: all of the heap is looked through again when there is so much more than the last time left. */
const heapGrowth = 200

/**
 * The heap as it is to be under load. Of the young generation V8's default, which the launcher had set aside for the
 * time of loading. Of the old, more than its default: what lives there is small against the buffers that pass, which
 * count as part of it, so that V8 would look for garbage several times a second.
 */
function growHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString(`--heap-growing-percent=${heapGrowth}`)
}

/** Ports of listeners that are not there yet are taken, and one line says that nothing listens on them. */
function sayAbsentListeners(loaded: LoadedConfig, log: LogSink): void {
  const given = absentListeners.filter((name) => loaded.sources[name] !== 'default')
  if (given.length === 0) return
  log('warn', 'listeners-absent', {
    settings: given.map(optionName),
    reason: 'this version has no such listener; the setting is accepted and has no effect'
  })
}

/**
 * Resolves at the first signal. From then on the process has a bounded time; a second signal ends it at once with
 * the shell's code for that signal.
 */
function watchSignals(log: LogSink): Promise<number> {
  return new Promise((resolve) => {
    let closing = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (closing) {
          log('warn', 'stopped-by-second-signal', { signal })
          process.exit(128 + signalNumbers[signal])
        }
        closing = true
        log('info', 'stopping', { signal })
        setTimeout(() => {
          log('error', 'stop-timed-out', { afterMs: closeTimeoutMs - closeMarginMs })
          process.exit(exitCodes.failed)
        }, closeTimeoutMs - closeMarginMs).unref()
        resolve(exitCodes.done)
      })
    }
  })
}

async function failureOf(failure: Promise<Error>, log: LogSink): Promise<number> {
  log('error', 'failed', { reason: describeError(await failure) })
  return exitCodes.failed
}
