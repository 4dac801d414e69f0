/** Errors for people. */

/** An error in one line: what it says, and what caused it, as far as that says more. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts: string[] = []
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const text = one.message.replaceAll(/\s*\n\s*/g, ' ')
    if (!parts.some((part) => part.includes(text))) parts.push(text)
  }
  return parts.join(': ')
}
