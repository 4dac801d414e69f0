/**
 * The disk had no room for a write, and what was written of it is gone again: nothing has changed, and one may go
 * on.
 */
export class DiskFullError extends Error {
  constructor(cause: unknown) {
    super(`the disk is full: ${(cause as Error).message}`, { cause })
    this.name = 'DiskFullError'
  }
}

/** Whether the file system refused for want of space (or of quota). */
export function isNoSpace(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
