/** The command or its settings are wrong: one line for the operator, exit code 2, nothing was started. */
export class UsageError extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options)
    this.name = 'UsageError'
  }
}
