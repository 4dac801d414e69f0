/** An error of a closed list: its code is stable, its text is not. Each list has a class of its own. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, text: string, options?: ErrorOptions) {
    super(text, options)
    this.name = new.target.name
    this.code = code
  }
}
