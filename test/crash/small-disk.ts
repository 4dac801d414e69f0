/** A real file system of a few MiB, and the built server on it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
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

/** Set where this process has a mount namespace of its own, in which it may mount a tmpfs. No setting of the server's. */
const unsharedVariable = 'TEST_UNSHARED'
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

/** Without the rights to mount: ends with the file run once more where it has them; returns if that cannot be. */
function runUnshared(file: string): void {
  if (isRoot || !succeeds('unshare', ['-rm', 'true'])) return
  const env = { ...process.env, [unsharedVariable]: '1' }
  const { status } = spawnSync('unshare', ['-rm', process.execPath, file], {
    stdio: 'inherit',
    env
  })
  process.exit(status ?? 1)
}

const mib = 1024 * 1024

/** Ends everything on an ext4, as if its device were gone: what its journal has not is lost, and each call is EIO. */
const shutdownExt4 = `
  my $drop_journal = pack("L", 2);
  open(my $folder, "<", $ARGV[0]) or die "$!";
  ioctl($folder, 0x8004587D, $drop_journal) or die "$!";`

export class SmallDisk {
  readonly folder: string
  readonly #filler: string
  /** Words of `mount` that bring it back; a tmpfs is gone when it is unmounted. */
  readonly #source: readonly string[]

  private constructor(folder: string, source: readonly string[]) {
    this.folder = folder
    this.#filler = join(folder, 'somebody-elses')
    this.#source = source
  }

  /** Mounts it; undefined where the system refuses. It goes with the test. */
  static mount(t: Test, kind: FileSystemKind, bytes: number): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'isthmus-test-disk-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    return SmallDisk.#mountOn(t, folder, kind, bytes)
  }

  static #mountOn(t: Test, folder: string, kind: FileSystemKind, bytes: number) {
    const imageFolder = mkdtempSync(join(tmpdir(), 'isthmus-test-image-'))
    const image = join(imageFolder, 'ext4')
    t.teardown(() => {
      spawnSync('umount', ['-l', folder])
      rmSync(imageFolder, { recursive: true, force: true })
    })
    if (kind === 'ext4') {
      writeFileSync(image, '')
      truncateSync(image, bytes)
      // Nothing is kept for root, who fills it here.
      if (!succeeds('mkfs.ext4', ['-q', '-F', '-m', '0', image])) return undefined
    }
    const source =
      kind === 'tmpfs' ? ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs'] : ['-o', 'loop', image]
    return succeeds('mount', [...source, folder]) ? new SmallDisk(folder, source) : undefined
  }

  /** A disk of its own in a folder of this one, with what the folder has. */
  mountWithin(t: Test, name: string, kind: FileSystemKind, bytes: number): SmallDisk {
    const folder = join(this.folder, name)
    const aside = `${folder}-aside`
    renameSync(folder, aside)
    mkdirSync(folder)
    const disk = SmallDisk.#mountOn(t, folder, kind, bytes)
    if (disk === undefined) throw new Error(`${folder} cannot be mounted`)
    cpSync(aside, folder, { recursive: true })
    rmSync(aside, { recursive: true })
    return disk
  }

  /** Of an ext4: every call ends with EIO from now on, and what no fsync has made durable is lost. */
  async shutDown(): Promise<void> {
    const perl = spawn('perl', ['-e', shutdownExt4, this.folder], { stdio: 'inherit' })
    const [code] = await once(perl, 'close')
    if (code !== 0) throw new Error('the file system cannot be shut down')
  }

  unmount(): void {
    this.#must('umount', [this.folder])
  }

  /** Mounts what was unmounted; a tmpfs is empty then. */
  mountAgain(): void {
    this.#must('mount', [...this.#source, this.folder])
  }

  /** Nobody may have a file of it open for writing. */
  setReadOnly(isReadOnly: boolean): void {
    this.#must('mount', ['-o', `remount,bind,${isReadOnly ? 'ro' : 'rw'}`, this.folder])
  }

  #must(command: string, words: readonly string[]): void {
    if (!succeeds(command, words)) throw new Error(`${command} ${words.join(' ')} is refused`)
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

/** A name, the file systems on which it is played (by default the first one alone), and what is done on such a disk. */
export type DiskScene = readonly [
  name: string,
  kinds: readonly FileSystemKind[],
  play: (t: Test, disk: SmallDisk) => Promise<void>
]

/** Plays the scenes of a test file where this process may mount; RUNS in the environment: each on every file system. */
export function playOnSmallDisks(
  t: Test,
  file: string,
  diskBytes: number,
  scenes: readonly DiskScene[]
): void {
  const here = mountable()
  if (here.length === 0) runUnshared(file)
  for (const [name, wanted, play] of scenes) {
    const kinds = wanted.filter((kind) => here.includes(kind))
    if (kinds.length === 0) {
      const why = `NOT RUN: ${whyNotMountable(wanted)}`
      console.error(why)
      t.test(name, { skip: why }, (t) => t.end())
    }
    for (const kind of process.env.RUNS === undefined ? kinds.slice(0, 1) : kinds)
      t.test(`${kind}, ${name}`, async (t) => {
        const disk = SmallDisk.mount(t, kind, diskBytes)
        if (disk === undefined) throw new Error(`${kind} cannot be mounted, though we are root`)
        await play(t, disk)
      })
  }
}

function whyNotMountable(kinds: readonly FileSystemKind[]): string {
  const needsRoot = kinds.includes('tmpfs') ? 'neither root nor `unshare -rm`' : 'only root'
  return `${needsRoot} can mount a small ${kinds.join(' or ')} here`
}
