const WORDS = 32
/** How far back a datagram may come late. */
export const WINDOW = (WORDS - 1) * 32

/** Which numbers of a stream of datagrams were seen: a sliding bitmap (RFC 6479). */
export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS)
  #highest = -1

  /** Whether the number could still be new: not seen, and not too far back. */
  isNew(number: number): boolean {
    if (number > this.#highest) return true
    if (this.#highest - number >= WINDOW) return false
    return (this.#bits[wordOf(number)]! & bitOf(number)) === 0
  }

  /** Notes a number that proved genuine. */
  note(number: number): void {
    const [before, word] = [Math.floor(this.#highest / 32), Math.floor(number / 32)]
    if (number > this.#highest) {
      for (let i = Math.max(before + 1, word - WORDS + 1); i <= word; i++) this.#bits[i % WORDS] = 0
      this.#highest = number
    }
    this.#bits[wordOf(number)]! |= bitOf(number)
  }
}

function wordOf(number: number): number {
  return Math.floor(number / 32) % WORDS
}

function bitOf(number: number): number {
  return 1 << (number % 32)
}
