/** Damage to a table of LevelDB's that ends whoever reads it: LevelDB asserts that its keys are long enough. */
import { readFile, writeFile } from 'node:fs/promises'
import { snappyPackage } from '../../storage/batch/codec-packages.ts'

const footerBytes = 48
const raw = 0
const snappy = 1

interface Handle {
  readonly offset: number
  readonly bytes: number
}

/** Overwrites the table's first or last block of data: LevelDB's index blocks stand in the first, rows in the last. */
export async function poisonTable(path: string, which: 'first' | 'last'): Promise<void> {
  const table = await readFile(path)
  const footer = table.subarray(table.length - footerBytes)
  const [, behindMeta] = handleAt(footer, 0)
  const blocks = dataBlocks(blockAt(table, handleAt(footer, behindMeta)[0]))
  const { offset, bytes } = blocks.at(which === 'first' ? 0 : -1) as Handle
  const poison = table.subarray(offset, offset + bytes)
  poison.fill(0)
  // One entry that shares nothing with one before it, has a key of 3 bytes, and no value.
  poison.set([0, 3, 0, ...Buffer.from('abc')])
  // The last words: where the only stretch begins, and how many there are.
  poison.writeUInt32LE(1, bytes - 4)
  table[offset + bytes] = raw
  await writeFile(path, table)
}

function blockAt(table: Buffer, { offset, bytes }: Handle): Buffer {
  const stored = table.subarray(offset, offset + bytes)
  return table[offset + bytes] === snappy
    ? (snappyPackage().uncompressSync(stored) as Buffer)
    : stored
}

/** Where the blocks are that a block of an index names; each stretch of it has one entry. */
function dataBlocks(index: Buffer): Handle[] {
  const end = index.length - 4 - 4 * index.readUInt32LE(index.length - 4)
  const handles: Handle[] = []
  for (let at = 0; at < end; ) {
    const [, afterShared] = varintAt(index, at)
    const [keyBytes, afterKeyBytes] = varintAt(index, afterShared)
    const [valueBytes, key] = varintAt(index, afterKeyBytes)
    handles.push(handleAt(index, key + keyBytes)[0])
    at = key + keyBytes + valueBytes
  }
  return handles
}

function handleAt(bytes: Buffer, at: number): [handle: Handle, end: number] {
  const [offset, middle] = varintAt(bytes, at)
  const [size, end] = varintAt(bytes, middle)
  return [{ offset, bytes: size }, end]
}

function varintAt(bytes: Buffer, at: number): [value: number, end: number] {
  let value = 0
  for (let i = at, unit = 1; ; i++, unit *= 128) {
    const byte = bytes[i] as number
    value += (byte & 0x7f) * unit
    if (byte < 0x80) return [value, i + 1]
  }
}
