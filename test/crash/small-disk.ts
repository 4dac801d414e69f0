/** A real file system of a few MiB, and the built server on it. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { OwnServer } from '../clients/server.ts'
import { quietPort } from '../support/quiet-port.ts'

export type FileSystemKind = 'tmpfs' | 'ext4'

/** Set where this process has a mount namespace of its own, in which it may mount a tmpfs. */
const unsharedVariable = 'ISTHMUS_TEST_UNSHARED'
const isUnshared = process.env[unsharedVariable] !== undefined
const isRoot = process.getuid?.() === 0

function succeeds(command: string, words: readonly string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0
}

/** What can be mounted here; a loop device needs the real root. */
function mountable(): FileSystemKind[] {
  if (!isRoot) return []
  return isUnshared ? ['tmpfs'] : ['tmpfs', 'ext4']
}

/** Without the rights to mount: runs the file once more where it has them. False if that cannot be. */
function runUnshared(file: string): boolean {
  if (isRoot || !succeeds('unshare', ['-rm', 'true'])) return false
  const env = { ...process.env, [unsharedVariable]: '1' }
  const { status } = spawnSync('unshare', ['-rm', process.execPath, file], {
    stdio: 'inherit',
    env
  })
  process.exit(status ?? 1)
}

const mib = 1024 * 1024

export class SmallDisk {
  readonly folder: string
  readonly #filler: string

  private constructor(folder: string) {
    this.folder = folder
    this.#filler = join(folder, 'somebody-elses')
  }

  /** Mounts it; undefined where the system refuses. It goes with the test. */
  static mount(t: Test, kind: FileSystemKind, bytes: number): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'isthmus-test-disk-'))
    const image = `${folder}.image`
    t.teardown(() => {
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
      rmSync(image, { force: true })
    })
    const size = `size=${bytes}`
    if (kind === 'tmpfs')
      return succeeds('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder])
        ? new SmallDisk(folder)
        : undefined
    writeFileSync(image, '')
    truncateSync(image, bytes)
    // Nothing is kept for root, who fills it here.
    const isMade = succeeds('mkfs.ext4', ['-q', '-F', '-m', '0', image])
    return isMade && succeeds('mount', ['-o', 'loop', image, folder])
      ? new SmallDisk(folder)
      : undefined
  }

  /** A small disk in a folder of this one; returns what takes it away again. */
  mountWithin(t: Test, name: string, bytes: number): () => void {
    const folder = join(this.folder, name)
    const unmount = (): void => {
      spawnSync('umount', ['-l', folder])
    }
    t.teardown(unmount)
    if (!succeeds('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]))
      throw new Error(`${folder} cannot be mounted`)
    return unmount
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Somebody else writes until nothing is left, or only so much. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#filler, 'a')
    try {
      for (let piece = mib; piece >= 1; ) {
        const bytes = Math.min(piece, this.freeBytes - leaveBytes)
        if (leaveBytes > 0 && bytes <= 0) return
        try {
          writeSync(file, Buffer.alloc(leaveBytes > 0 ? bytes : piece))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          piece = Math.floor(piece / 16)
        }
      }
    } finally {
      closeSync(file)
    }
  }

  /** Somebody else takes some away again: then so much is free. */
  leave(freeBytes: number): void {
    truncateSync(this.#filler, statSync(this.#filler).size - (freeBytes - this.freeBytes))
  }

  /** And takes it away again. */
  free(): void {
    unlinkSync(this.#filler)
  }

  /** The built server, with its folder on this disk. */
  async serve(t: Test, options: readonly string[]): Promise<OwnServer> {
    const server = new OwnServer(this.folder, options)
    t.teardown(() => server.stop('SIGKILL'))
    await server.start(await quietPort())
    return server
  }
}

/** A name, the file system on which it is played by default, and what is played on a disk of its own. */
export type DiskScene = readonly [
  name: string,
  usual: FileSystemKind,
  play: (t: Test, disk: SmallDisk) => Promise<void>
]

/** Plays the scenes of a test file where this process may mount; RUNS in the environment: each on every file system. */
export function playOnSmallDisks(
  t: Test,
  file: string,
  diskBytes: number,
  scenes: readonly DiskScene[]
): void {
  const kinds = mountable()
  if (kinds.length === 0 && !runUnshared(file)) {
    const why = 'NOT RUN: neither root nor `unshare -rm` can mount a small file system here'
    console.error(why)
    t.test('a small disk', { skip: why }, (t) => t.end())
  }
  for (const [name, usual, play] of scenes)
    for (const kind of kinds) {
      if (process.env.RUNS === undefined && kind !== usual && kinds.length > 1) continue
      t.test(`${kind}, ${name}`, async (t) => {
        const disk = SmallDisk.mount(t, kind, diskBytes)
        if (disk === undefined) throw new Error(`${kind} cannot be mounted, though we are root`)
        await play(t, disk)
      })
    }
}
