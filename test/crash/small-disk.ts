/** A real file system of a few MiB, and the built server on it. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
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
export function mountable(): FileSystemKind[] {
  if (!isRoot) return []
  return isUnshared ? ['tmpfs'] : ['tmpfs', 'ext4']
}

/** Without the rights to mount: runs the file once more where it has them. False if that cannot be. */
export function runUnshared(file: string): boolean {
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
