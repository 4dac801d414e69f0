import type { File } from '../../../storage/ports.ts'

/** A file in memory that counts what is read of it. */
export class MemoryFile implements File {
  bytes: Buffer
  readBytes = 0
  reads = 0

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes
  }

  async read(target: Buffer, targetStart: number, length: number, position: number) {
    const count = this.bytes.copy(target, targetStart, position, position + length)
    this.readBytes += count
    this.reads += 1
    return count
  }

  async writev(buffers: readonly Buffer[], position: number) {
    const added = Buffer.concat(buffers)
    const length = Math.max(this.bytes.length, position + added.length)
    const bytes = Buffer.alloc(length)
    this.bytes.copy(bytes)
    added.copy(bytes, position)
    this.bytes = bytes
  }

  async writevDurable(buffers: readonly Buffer[], position: number) {
    await this.writev(buffers, position)
  }

  async datasync() {}

  async sync() {}

  async truncate(length: number) {
    const bytes = Buffer.alloc(length)
    this.bytes.copy(bytes)
    this.bytes = bytes
  }

  async size() {
    return this.bytes.length
  }

  async close() {}
}
