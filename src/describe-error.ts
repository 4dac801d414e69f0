/** Errors for people. */

/** An error in one line: what it says, and what caused it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const text = error.message.replaceAll(/\s*\n\s*/g, ' ')
  return error.cause instanceof Error ? `${text}: ${describeError(error.cause)}` : text
}
