interface Entry {
  readonly at: number
  readonly run: () => void
}

/** What is to happen when, in a time that only moves from one thing to the next. Things of one moment happen in their order. */
export class SimAgenda {
  readonly #entries: Entry[] = []
  #now = 0

  get now(): number {
    return this.#now
  }

  get nextAt(): number {
    return this.#entries[0]?.at ?? Infinity
  }

  after(ms: number, run: () => void): void {
    const at = this.#now + ms
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.at <= at) low = middle + 1
      else high = middle
    }
    this.#entries.splice(low, 0, { at, run })
  }

  /** Moves time to `at` and does what is due there. */
  moveTo(at: number): void {
    this.#now = Math.max(this.#now, at)
    while (this.nextAt <= this.#now) this.#entries.shift()!.run()
  }
}
