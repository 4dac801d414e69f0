/** Free space against the reserve, on a disk that says what the test wants. */
import t from 'tap'
import type { FileSystem } from '../../storage/ports.ts'
import { Space } from '../../storage/space.ts'
import { FakeClock } from '../support/fake-clock.ts'

const mib = 1024 * 1024

class Disk {
  readonly events: string[] = []
  readonly clock = new FakeClock()
  readonly space: Space
  #freeBytes = 0

  constructor(reserveBytes: number) {
    const space = async () => ({ freeBytes: this.#freeBytes, totalBytes: 1024 * mib })
    this.space = new Space({
      fileSystem: { space } as Pick<FileSystem, 'space'> as FileSystem,
      clock: this.clock,
      folder: '/data',
      reserveBytes,
      logSink: (_, event) => this.events.push(event),
      onRoom: () => {}
    })
  }

  async isFullWith(freeBytes: number): Promise<boolean> {
    this.#freeBytes = freeBytes
    await this.space.ask()
    return this.space.isFull
  }
}

for (const [reserveBytes, more] of [
  [4 * mib, 1 * mib],
  [1024 * mib, 64 * mib],
  [0, 0]
] as const)
  t.test(
    `refused appends are taken again some way above the reserve of ${reserveBytes}`,
    async (t) => {
      const disk = new Disk(reserveBytes)
      t.equal(await disk.isFullWith(reserveBytes), false, 'just the reserve is enough at first')
      if (reserveBytes > 0) {
        t.equal(await disk.isFullWith(reserveBytes - 1), true)
        t.match(disk.space.reason, `less than the reserve of ${reserveBytes}`)
        t.equal(await disk.isFullWith(reserveBytes + more - 1), true, 'then it takes more')
        const needed = reserveBytes + more
        t.match(disk.space.reason, `less than the reserve of ${reserveBytes} it takes ${needed}`)
        t.equal(await disk.isFullWith(reserveBytes + more), false)
        t.equal(await disk.isFullWith(reserveBytes), false, 'and all of that can be used')
        t.same(disk.events, ['appends-refused', 'appends-taken-again'], 'told once')
      }
      disk.space.noteEnd()
      t.equal(disk.space.isFull, true, 'a write met the end')
      t.equal(await disk.isFullWith(reserveBytes + more), reserveBytes + more === 0)
      disk.space.stop()
    }
  )
