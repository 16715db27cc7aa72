// Those who wait for the kernel.

/** Who may stand in a line, in one at a time. */
export interface Waiting {
  /** The line it stands in. */
  line: object | undefined
}

/** Room for places of those who left, in which nobody stands any more. */
const SLACK = 1_024

export class Line<E extends Waiting> {
  /** From `#first` on, who came first comes first. Who left and came again has two places, and is taken at one. */
  #places: E[] = []
  #first = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** At the end, if it does not stand in this line already. */
  add(one: E): void {
    if (one.line === this) return
    one.line = this
    this.#places.push(one)
    this.#size++
    if (this.#places.length > 2 * this.#size + SLACK) this.#closeUp()
  }

  delete(one: E): void {
    if (one.line !== this) return
    one.line = undefined
    this.#size--
  }

  /**
   * Takes so many out of the line, or all. Of many, half are the last who came, so that one bit of news does not wait behind
   * a load; the others are the first, so that nobody waits for ever.
   */
  take(most: number): E[] {
    const taken: E[] = []
    if (this.#size > most) while (taken.length < most / 2) this.#release(this.#places.pop()!, taken)
    taken.reverse()
    while (taken.length < most && this.#size > 0) this.#release(this.#places[this.#first++]!, taken)
    if (this.#size === 0 || this.#first > this.#places.length / 2) this.#closeUp()
    return taken
  }

  #release(one: E, to: E[]): void {
    if (one.line !== this) return
    this.delete(one)
    to.push(one)
  }

  /** Leaves out the places where nobody stands. */
  #closeUp(): void {
    const there = this.#places.slice(this.#first).filter(({ line }) => line === this)
    this.#places = [...new Set(there)]
    this.#first = 0
  }
}
