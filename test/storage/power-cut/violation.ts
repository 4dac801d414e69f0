/** The store broke its word. */
export class Violation extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'Violation'
  }
}
