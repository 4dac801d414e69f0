/** What LevelDB's errors mean. */
import { OpenError } from './errors.ts'

/** The error that LevelDB gave, within those that were made of it. */
export function levelErrorOf(error: unknown): { readonly code?: string; readonly message: string } {
  const { cause } = error as { readonly cause?: unknown }
  return (cause ?? error) as { code?: string; message: string }
}

/** Whether LevelDB's files are damaged or missing; undefined where they only cannot be used just now. */
export function whyDamaged(error: unknown): string | undefined {
  const { code, message } = levelErrorOf(error)
  const isMissing = code === 'LEVEL_IO_ERROR' && /No such file/.test(message)
  if (code === 'LEVEL_CORRUPTION' || isMissing || /^(Corruption|Invalid argument)/.test(message))
    return message
  return undefined
}

/** How it ends where another has the lock. The code is the same where a file system has no locks, or fails. */
const heldLock =
  /(temporarily unavailable|Permission denied|already held by process|^IO error: LockFile .*)$/

/** What to say where another process has the database; undefined for any other error. */
export function whyLocked(error: unknown): string | undefined {
  const { code, message } = levelErrorOf(error)
  const isLocked = code === 'LEVEL_LOCKED' && heldLock.test(message)
  return isLocked ? 'the data folder is in use by another process' : undefined
}

export function openErrorOf(error: unknown): OpenError {
  const why = whyLocked(error)
  if (why !== undefined) return new OpenError('locked', why, { cause: error })
  const cause = levelErrorOf(error)
  return new OpenError('io-failed', `the index cannot be opened: ${cause.message}`, { cause })
}
