/**
 * EIO from the disk under a real LevelDB, in a process of its own: failing-calls.c, compiled and preloaded there.
 * LevelDB is native and calls the C library by itself, so no file system of a test's can stand between.
 */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { temporaryFolder } from '../src/temporary-folder.ts'

const source = fileURLToPath(new URL('../../../test/support/failing-calls.c', import.meta.url))

/** Reads include mapping a file. */
export type FailingCall = 'open' | 'lock' | 'read' | 'write' | 'sync' | 'rename'

export class FailingCalls {
  /** Of the environment of the processes that are meant. */
  readonly variables: Readonly<Record<string, string>>
  readonly #file: string

  private constructor(library: string, file: string) {
    this.variables = { LD_PRELOAD: library, FAILING_CALLS: file }
    this.#file = file
  }

  /** Says why where there is none: it needs glibc and a C compiler. */
  static compile(t: Test): FailingCalls | string {
    if (process.platform !== 'linux') return 'NOT RUN: calls of the C library fail on Linux only'
    const folder = temporaryFolder(t)
    const library = join(folder, 'failing-calls.so')
    const words = ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl']
    const { status, error, stderr } = spawnSync('cc', words, { encoding: 'utf8' })
    if (error !== undefined) return 'NOT RUN: no C compiler here (`cc`, of the package gcc)'
    if (status !== 0) throw new Error(`failing-calls.c does not compile: ${stderr}`)
    return new FailingCalls(library, join(folder, 'failing-calls'))
  }

  /** From now on these calls on files with `part` in their paths end with EIO. */
  fail(calls: readonly FailingCall[], part: string): void {
    writeFileSync(this.#file, calls.map((call) => `${call} ${part}\n`).join(''))
  }

  /** From now on none does. */
  mend(): void {
    rmSync(this.#file, { force: true })
  }
}
