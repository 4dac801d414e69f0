/** Bytes that are no well-formed command. The connection they came on cannot be trusted any further and is closed. */
export class ProtocolError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ProtocolError'
  }
}

/** A command whose header or body lacks what it needs: it is answered INVALID_PARAMETER. The text names the field. */
export class ParameterError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ParameterError'
  }
}
