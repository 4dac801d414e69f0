/** The start cannot work: one line for the operator, and nothing is left running. */
export class StartError extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options)
    this.name = 'StartError'
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this user may not open the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is not known'
}

/** Says in words why a listener could not be opened. `option` is the setting to change (`kafka-port`). */
export function listenError(
  error: unknown,
  option: string,
  host: string,
  port: number
): StartError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const reason = reasons[code] ?? (error as Error).message
  return new StartError(`cannot listen on ${host}:${port} (--${option}): ${reason}`, {
    cause: error
  })
}
