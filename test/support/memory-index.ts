/** What behaves like LevelDB, in memory: the same in bytes as a store opens it. */
import { MemoryLevel } from 'memory-level'

export function memoryIndex(): MemoryLevel<Buffer, Buffer> {
  const buffers = 'buffer'
  return new MemoryLevel({ keyEncoding: buffers, valueEncoding: buffers, storeEncoding: buffers })
}
