import type { File } from './ports.ts'

/** `File.writevDurable` where no one call does both. */
export async function writeThenSync(
  file: Pick<File, 'writev' | 'datasync'>,
  buffers: readonly Buffer[],
  position: number
): Promise<void> {
  await file.writev(buffers, position)
  await file.datasync().catch(failedSync)
}

/** A disk that is full is another matter than one that lost what it had taken. */
export function failedSync(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOSPC') throw error
  throw Object.assign(new Error(`fdatasync: ${error.message}`, { cause: error }), { code: 'EIO' })
}
