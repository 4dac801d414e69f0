/** `isthmus reindex`, killed in the middle or not. */
import { spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { command } from '../clients/server.ts'
import { FolderWatch } from './folder-watch.ts'

export interface Reindexed {
  /** Killed after it had begun to change the index, and before it was done. */
  readonly isKilled: boolean
  /** From its first change of the index to its end, ms. */
  readonly tookMs: number
}

/** Runs it; `killMs` after its first change of the index it is killed, if it is still there. Rejects if it fails. */
export async function reindex(data: string, killMs = Number.POSITIVE_INFINITY): Promise<Reindexed> {
  const watch = new FolderWatch(data, ['index'])
  const child = spawn(process.execPath, [command, 'reindex', '--data', data])
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stderr.resume()
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code ?? 0))
  )
  let beganMs: number | undefined
  void watch
    .first(() => true)
    .then(async () => {
      beganMs = performance.now()
      if (!Number.isFinite(killMs)) return
      await setTimeout(killMs)
      child.kill('SIGKILL')
    })
  const end = await ended
  watch.close()
  const isKilled = end === 'SIGKILL' && !said.includes('replayed')
  if (end !== 0 && end !== 'SIGKILL') throw new Error(`reindex ended with ${end}: ${said}`)
  return { isKilled, tookMs: performance.now() - (beganMs ?? performance.now()) }
}
