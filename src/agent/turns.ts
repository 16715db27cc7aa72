// When what is known is carried out: inputs are noted as they come, and settled together a moment later, so that a burst of
// them costs one turn.

export class Turns {
  readonly #turn: () => void
  #isDue = false

  /** `turn` carries out all that has been noted. */
  constructor(turn: () => void) {
    this.#turn = turn
  }

  /** Something has been noted that has not been carried out. */
  get isDue(): boolean {
    return this.#isDue
  }

  /** Takes an input, which comes to bear in the next turn. */
  note(input: () => void): void {
    input()
    this.soon()
  }

  soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.now())
  }

  now(): void {
    this.#isDue = false
    this.#turn()
  }
}
