/**
 * Bytes that are no well-formed frame. The connection they came on cannot be trusted any further
 * and is closed.
 */
export class ProtocolError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ProtocolError'
  }
}
